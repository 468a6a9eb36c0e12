// tinderbox new: five questions, one environment.yml.
//
// What it writes is one channel and nothing else (conda-forge, free to hand on), a pinned Python, and the CUDA major
// that the target's driver runs; pip only for what was asked of it by name. It is a start to be edited, so it says why.
#include "common/base/file.hpp"
#include "common/base/terminal.hpp"
#include "common/base/text.hpp"
#include "common/format/cuda_floors.hpp"
#include "generator/commands/command.hpp"
#include "generator/spec/request.hpp"

#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <iostream>
#include <optional>

namespace tinderbox {
namespace {

struct Answers {
    std::string name, python, framework, cuda; // cuda: "12.4", "none"
    std::vector<std::string> conda, pip;
};

bool is_version(std::string_view text, std::size_t parts) {
    auto pieces = split(text, '.');
    if (pieces.size() > parts) return false;
    return std::ranges::all_of(pieces, [](std::string_view p) {
        return !p.empty() && p.size() <= 4 && std::ranges::all_of(p, [](char c) { return c >= '0' && c <= '9'; });
    });
}

int number(std::string_view text) {
    int out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

std::vector<std::string> words(std::string_view text) {
    std::vector<std::string> out;
    std::string word;
    for (char c : text) {
        if (c == ' ' || c == '\t' || c == ',') {
            if (!word.empty()) out.push_back(std::exchange(word, ""));
        } else {
            word += c;
        }
    }
    if (!word.empty()) out.push_back(word);
    return out;
}

// "" when the answer can be used, else what is wrong with it.
std::string take_name(const std::string& text, Answers& out) {
    bool good = !text.empty() && text != "." && text != ".." && text[0] != '-' && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    });
    if (!good) return "a name is made of letters, digits, '-', '_' and '.'";
    out.name = text;
    return "";
}

std::string take_python(const std::string& text, Answers& out) {
    auto parts = split(text, '.');
    if (!is_version(text, 3) || parts.size() < 2 || parts[0] != "3" || number(parts[1]) < 6)
        return "write a version such as 3.11";
    out.python = text;
    return "";
}

std::string take_framework(const std::string& text, Answers& out) {
    std::string name = to_lower(text);
    if (name == "torch") name = "pytorch";
    for (std::string_view known : {"pytorch", "tensorflow", "jax", "cupy", "none"})
        if (name == known) {
            out.framework = name;
            return "";
        }
    return "write pytorch, tensorflow, jax, cupy or none";
}

std::string take_cuda(const std::string& text, Answers& out) {
    std::string answer = to_lower(text);
    if (answer == "none" || answer == "no" || answer == "cpu") {
        out.cuda = "none";
        return "";
    }
    if (!is_version(answer, 2) || driver_floor(number(split(answer, '.')[0])).empty())
        return "write what nvidia-smi shows behind 'CUDA Version', such as 12.4, or none for a machine without an "
               "NVIDIA GPU";
    if (number(split(answer, '.')[0]) < 11)
        return "the channel has no packages for CUDA 10 and older any more; the driver needs an update first";
    out.cuda = answer;
    return "";
}

// Parsed as the file's readers will parse it: a mistake is told here, where it can be corrected.
std::string take_packages(const std::string& text, Answers& out) {
    out.conda.clear();
    out.pip.clear();
    for (const std::string& word : words(text)) {
        bool pip = word.starts_with("pip:");
        std::string entry = pip ? word.substr(4) : word;
        Request check;
        Status status = pip ? add_pip(check, entry, {"the answer", 0}) : add_conda(check, entry, {"the answer", 0});
        if (entry.empty() || !status.ok())
            return fmt::format("'{}' cannot be used{}", word, status.ok() ? "" : " (" + status.error().message + ")");
        (pip ? out.pip : out.conda).push_back(entry);
    }
    return "";
}

struct Question {
    std::string_view text, preset;
    std::string (*take)(const std::string&, Answers&);
};

constexpr Question questions[] = {
    {"Name of the environment", "lab", take_name},
    {"Python version", "3.11", take_python},
    {"Framework: pytorch, tensorflow, jax, cupy or none", "pytorch", take_framework},
    {"CUDA version that nvidia-smi shows on the other machine, or none", "12.4", take_cuda},
    {"Further packages (pip:NAME for one from pip)", "numpy pandas matplotlib jupyterlab", take_packages},
};

Result<Answers> ask() {
    const bool terminal = ::isatty(STDIN_FILENO);
    Answers out;
    int count = 0;
    for (const Question& question : questions) {
        ++count;
        while (true) {
            if (terminal) {
                fmt::print(stderr, "{} [{}]: ", question.text, question.preset);
                std::fflush(stderr);
            }
            std::string line;
            bool there = static_cast<bool>(std::getline(std::cin, line));
            if (!there && terminal) return make_error(ErrorKind::interrupted, "nothing was written");
            std::string answer(trim(line));
            if (answer.empty()) answer = question.preset;
            std::string wrong = question.take(answer, out);
            if (wrong.empty()) break;
            if (!terminal) return make_error(ErrorKind::usage, "answer {} ('{}'): {}", count, answer, wrong);
            Terminal::get().line(wrong);
        }
    }
    return out;
}

std::vector<std::string> framework_packages(const Answers& a) {
    const bool gpu = a.cuda != "none";
    if (a.framework == "pytorch") return {gpu ? "pytorch-gpu" : "pytorch-cpu", "torchvision"};
    if (a.framework == "tensorflow") return {gpu ? "tensorflow-gpu" : "tensorflow-cpu"};
    if (a.framework == "jax")
        return gpu ? std::vector<std::string>{"jax", "jaxlib=*=*cuda*"} : std::vector<std::string>{"jax"};
    if (a.framework == "cupy") return {"cupy"};
    return {};
}

// Quoted where YAML would read something else than a string.
std::string yaml_item(const std::string& text) {
    bool plain = !text.empty() && text.find(": ") == std::string::npos && text.find(" #") == std::string::npos &&
                 std::string_view("*&!|>%@`\"'#{}[],?-:").find(text[0]) == std::string_view::npos;
    return plain ? text : "\"" + replace_all(replace_all(text, "\\", "\\\\"), "\"", "\\\"") + "\"";
}

std::string file_text(const Answers& a, const std::string& path) {
    std::string out = fmt::format("# Written by 'tinderbox new'. To build the installer: tinderbox build {}\n", path);
    out += "name: " + yaml_item(a.name) + "\n";
    out += "channels:\n  - conda-forge\n  - nodefaults # nothing from Anaconda's own channels, whose terms limit "
           "handing it on\n";
    out += "dependencies:\n  - python=" + a.python + "\n";
    if (a.cuda != "none") {
        std::string major(split(a.cuda, '.')[0]);
        out += fmt::format(
            "  - cuda-version={} # every CUDA {}.x runs on driver {} or newer (nvidia-smi there shows {})\n", major,
            major, driver_floor(number(major)), a.cuda);
    }
    for (const std::string& name : framework_packages(a)) out += "  - " + yaml_item(name) + "\n";
    for (const std::string& name : a.conda) out += "  - " + yaml_item(name) + "\n";
    if (a.pip.empty()) return out;
    out += "  - pip\n  - pip: # installed last, on top of what conda brought\n";
    for (const std::string& name : a.pip) out += "      - " + yaml_item(name) + "\n";
    return out;
}

Status create(const std::string& path) {
    if (lexists(path))
        return make_error(ErrorKind::usage,
                          "'{}' exists already, and is not overwritten; name another file: tinderbox new -o FILE",
                          path);
    TRY_ASSIGN(Answers answers, ask());
    std::string text = file_text(answers, path);
    auto parsed = parse_spec(text, path);
    if (!parsed) return std::move(parsed).error();
    auto fd = open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (!fd) return std::move(fd).error();
    TRY(write_exact(fd->get(), as_bytes(text), path));
    Terminal& terminal = Terminal::get();
    terminal.note("written", path);
    terminal.note("next", fmt::format("tinderbox build {} --plan    what it will be, and how large", path));
    terminal.note("then", fmt::format("tinderbox build {}           → {}.run", path, answers.name));
    return {};
}

} // namespace

void add_new(CLI::App& app, Invocation& invocation) {
    CLI::App* command = app.add_subcommand("new", "Ask five questions and write an environment.yml");
    command->footer("Without a terminal the answers are read from standard input, one a line; an empty line, or none, "
                    "takes what is\n"
                    "proposed: name (lab), Python (3.11), framework (pytorch), CUDA of the other machine (12.4), "
                    "further packages.");
    auto file = std::make_shared<std::string>("environment.yml");
    command->add_option("-o,--output", *file, "The file to write")->capture_default_str();
    command->callback([=, &invocation] { invocation.run = [=] { return create(*file); }; });
}

} // namespace tinderbox
