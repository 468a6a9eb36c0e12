#!/usr/bin/env python3
"""Writes cases of `conda init` as JSON: start-up files before and after conda's own code changed them.

    conda_init_reference.py CONDA-SOURCE OUT.json [COUNT] [SEED]

CONDA-SOURCE is a checkout of conda, or a git directory of one (its HEAD is unpacked to a temporary directory). Each case
is {"shell", "prefix", "before", "after"}: `after` is the content that the functions of conda/core/initialize.py write
into a file that held `before`. The files are random mixtures of lines that those functions look for, lines that resemble
them, and blocks of other condas.
"""
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path


def source_tree(source, scratch):
    if (source / "conda" / "core" / "initialize.py").is_file():
        return source
    tree = scratch / "conda-source"
    tree.mkdir()
    archive = subprocess.run(["git", "-C", source, "archive", "HEAD", "conda"], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", tree], input=archive, check=True)
    return tree


def pieces(prefix, other):
    base = os.path.basename(prefix)
    comment = "# commented out by conda initialize"
    return [
        "", "", "alias ll='ls -l'", "# a comment", "export EDITOR=vi", "if [ -f ~/x ]; then . ~/x; fi",
        f'export PATH="{prefix}/bin:$PATH"', f"export PATH='{prefix}/bin:$PATH'", f'  export PATH="{prefix}/bin:$PATH" # mine',
        f"\texport PATH=\"{other}/bin:$PATH\"", f'export PATH="{prefix}/bin:$PATH:/opt"', f"export PATH={prefix}/bin:$PATH",
        f'export  PATH="{prefix}/bin:$PATH"', f'export PATH="/a:/{base}/bin:$PATH/{base}/bin:$PATH"',
        f'export PATH="/x/{base}/bin:$PATH\'', f'; export PATH="{prefix}/bin:$PATH"',
        f"source {prefix}/etc/profile.d/conda.sh", f". {prefix}/etc/profile.d/conda.sh", f"  . {other}/etc/profile.d/conda.sh",
        f"\\. {prefix}/etc/profile.d/conda.sh", f"\\source {prefix}/etc/profile.d/conda.sh;", f". source {prefix}/etc/profile.d/conda.sh",
        f"#. {prefix}/etc/profile.d/conda.sh", f"# . {prefix}/etc/profile.d/conda.sh", f"test && . {prefix}/etc/profile.d/conda.sh",
        f". {prefix}/etc/profile.d/conda.csh", f"source\t{prefix}/etc/profile.d/conda.sh", f"é . {prefix}/etc/profile.d/conda.sh",
        f"! \t source {prefix}/etc/profile.d/conda.sh && echo yes", "conda activate base", "conda activate", "conda activate ml # mine",
        " conda activate base", f"source {prefix}/bin/activate", ". ~/venv/bin/activate", f"source {prefix}/bin/activate base",
        "  source venv/bin/activate.csh", "x source a/bin/activate", f"xx source {prefix}/bin/activate", ".  /opt/bin/activate",
        f"set -gx PATH {prefix}/bin $PATH", f"set -gx PATH '{prefix}/bin' $PATH", f'  set -gx PATH "{prefix}/bin" /opt $PATH; echo',
        f'set -gx PATH "{prefix}/bin $PATH"', f"set -gx PATH '{prefix}/bin $PATH", f"set -gx PATH {other}/bin $PATH",
        f"set -gx PATH {prefix}/bin", f"source {prefix}/etc/fish/conf.d/conda.fish", f". {other}/etc/fish/conda.d/conda.fish",
        f"\\source {prefix}/etc/fish/conf.d/conda.fish", f"source {prefix}/etc/fish/conda.d/conda.fish # old",
        f"# source {prefix}/etc/profile.d/conda.sh  {comment}", comment, "# >>> mamba initialize >>>", "# <<< mamba initialize <<<",
        " # >>> conda initialize >>>", "# >>> conda initialize >>> ", "# <<< conda initialize <<<", "# >>> conda init >>>",
    ]


def blocks(initialize, prefix, other):
    out = []
    for p in (prefix, other):
        out += [initialize._bashrc_content(p, s) for s in ("bash", "zsh", "tcsh")]
        out += [initialize._config_fish_content(p), initialize._config_xonsh_content(p), initialize._powershell_profile_content(p)]
    out += ["# >>> conda initialize >>>\n# <<< conda initialize <<<\n", "# >>> conda initialize >>>\nold\n# <<< conda initialize <<< tail\n",
            "# >>> conda initialize >>>\nnever closed\n", "#region conda initialize\nold\n#endregion\n", "#region conda initialize\n"]
    return out


def main():
    source, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 2000
    rng = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        os.environ["HOME"] = str(scratch)
        sys.path.insert(0, str(source_tree(source, scratch)))
        from conda.core import initialize

        functions = {
            "bash": lambda f, p: initialize.init_sh_user(f, p, "bash"),
            "zsh": lambda f, p: initialize.init_sh_user(f, p, "zsh"),
            "tcsh": lambda f, p: initialize.init_sh_user(f, p, "tcsh"),
            "fish": initialize.init_fish_user,
            "xonsh": initialize.init_xonsh_user,
            "powershell": initialize.init_powershell_user,
        }
        cases = []
        file = scratch / "rc"
        for number in range(count):
            prefix = rng.choice(["/home/u/miniconda3", "/opt/conda", "/home/u/ml-env_2", "/srv/a b/conda"])
            other = rng.choice(["/opt/anaconda3", "/home/u/miniforge3", "/usr/miniconda3"])
            shell = rng.choice(list(functions))
            if shell == "fish" and " " in prefix:
                continue  # conda cuts such lines in two, Tinderbox does not
            lines, some = pieces(prefix, other), blocks(initialize, prefix, other)
            before = ""
            for _ in range(0 if number < 6 else rng.randrange(12)):
                before += rng.choice(some) if rng.random() < 0.15 else rng.choice(lines) + "\n"
            if rng.random() < 0.3:
                before = before.rstrip("\n")
            file.write_text(before, encoding="utf-8")
            if not before:
                file.unlink()
            functions[shell](str(file), prefix)
            after = file.read_text(encoding="utf-8") if file.exists() else ""
            cases.append({"shell": shell, "prefix": prefix, "before": before, "after": after})
    out.write_text(json.dumps(cases), encoding="utf-8")
    print(len(cases))


if __name__ == "__main__":
    main()
