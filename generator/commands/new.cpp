// tinderbox new: five questions, one environment.yml.
//
// The file names one channel (conda-forge, free to hand on), a pinned Python, and the CUDA major that the target's
// driver runs; pip brings only packages that were asked of it by name. People edit the file, so its comments give the
// reasons.
#include "common/base/file.hpp"
#include "common/base/names.hpp"
#include "common/base/output_file.hpp"
#include "common/base/shell_quote.hpp"
#include "common/base/terminal.hpp"
#include "common/base/text.hpp"
#include "common/format/cuda_floors.hpp"
#include "generator/commands/command.hpp"
#include "generator/spec/request.hpp"

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iostream>
#include <optional>

namespace tinderbox::commands {
namespace {

struct Environment {
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

// "numpy >= 1.26, < 2 pandas" is two packages: a relation belongs to the word before it.
std::vector<std::string> words(std::string_view text) {
    constexpr std::string_view blanks = " \t,", relations = "=<>!~";
    std::vector<std::string> out;
    while (true) {
        text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
        if (text.empty()) return out;
        const std::string word(text.substr(0, text.find_first_of(blanks)));
        text.remove_prefix(word.size());
        const bool bound = !out.empty() && out.back().find_first_of(relations) != std::string::npos;
        if (!out.empty() && relations.find(word.front()) != std::string_view::npos)
            out.back() += (bound ? "," : "") + word;
        else if (bound && relations.find(out.back().back()) != std::string_view::npos) out.back() += word;
        else out.push_back(word);
    }
}

// The ways in which people answer that they want nothing.
bool is_none(std::string_view text) {
    const std::string answer = to_lower(text);
    return std::ranges::any_of(std::array<std::string_view, 6>{"", "none", "no", "nothing", "n", "-"},
                               [&](std::string_view word) { return answer == word; });
}

// Each parser returns "", or the mistake in the answer.
std::string parse_name(const std::string& text, Environment& out) {
    if (Status good = check_environment_name(text); !good.ok()) return good.error().message;
    out.name = text;
    return "";
}

std::string parse_python(const std::string& text, Environment& out) {
    auto parts = split(text, '.');
    if (!is_version(text, 3) || parts.size() < 2 || parts[0] != "3" || number(parts[1]) < 6)
        return "write a version such as 3.11";
    out.python = text;
    return "";
}

std::string parse_framework(const std::string& text, Environment& out) {
    std::string name = is_none(text) ? "none" : to_lower(text);
    if (name == "torch") name = "pytorch";
    for (std::string_view known : {"pytorch", "tensorflow", "jax", "cupy", "none"})
        if (name == known) {
            out.framework = name;
            return "";
        }
    return "write pytorch, tensorflow, jax, cupy or none";
}

std::string parse_cuda(const std::string& text, Environment& out) {
    std::string answer = to_lower(text);
    if (is_none(answer) || answer == "cpu") {
        out.cuda = "none";
        return "";
    }
    if (!is_version(answer, 2) || format::driver_floor(number(split(answer, '.')[0])).empty())
        return "write the number that nvidia-smi shows as 'CUDA Version', such as 12.4, or none for a machine without "
               "an NVIDIA GPU";
    if (number(split(answer, '.')[0]) < 11)
        return "the channel has no packages for CUDA 10 and older any more; the driver needs an update first";
    out.cuda = answer;
    return "";
}

// The readers of the file parse it in the same way, so that a mistake can be corrected here.
std::string parse_packages(const std::string& text, Environment& out) {
    out.conda.clear();
    out.pip.clear();
    if (is_none(text)) return "";
    for (const std::string& word : words(text)) {
        bool pip = word.starts_with("pip:");
        std::string entry = pip ? word.substr(4) : word;
        spec::Request check;
        Status status =
            pip ? spec::add_pip(check, entry, {"the answer", 0}) : spec::add_conda(check, entry, {"the answer", 0});
        if (entry.empty() || !status.ok())
            return fmt::format("'{}' cannot be used{}", word, status.ok() ? "" : " (" + status.error().message + ")");
        if (pip) out.pip.push_back(entry);
        else out.conda.push_back(entry);
    }
    return "";
}

struct Question {
    std::string_view text, preset;
    std::string (*parse)(const std::string&, Environment&);
};

constexpr Question questions[] = {
    {"Name of the environment", "lab", parse_name},
    {"Python version", "3.11", parse_python},
    {"Framework: pytorch, tensorflow, jax, cupy or none", "pytorch", parse_framework},
    {"CUDA version that nvidia-smi shows on the other machine, or none", "12.4", parse_cuda},
    {"Further packages, such as numpy pandas jupyterlab (pip:NAME for one from pip)", "none", parse_packages},
};

Result<Environment> ask_questions() {
    const bool terminal = ::isatty(STDIN_FILENO);
    Environment out;
    int count = 0;
    if (terminal) Terminal::get().line("Five questions; Enter takes the answer in brackets, and 'none' is an answer.");
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
            std::string wrong = question.parse(answer, out);
            if (wrong.empty()) break;
            if (!terminal) return make_error(ErrorKind::usage, "answer {} ('{}'): {}", count, answer, wrong);
            Terminal::get().line(wrong);
        }
    }
    return out;
}

std::vector<std::string> framework_packages(const Environment& environment) {
    const bool gpu = environment.cuda != "none";
    if (environment.framework == "pytorch") return {gpu ? "pytorch-gpu" : "pytorch-cpu", "torchvision"};
    if (environment.framework == "tensorflow") return {gpu ? "tensorflow-gpu" : "tensorflow-cpu"};
    if (environment.framework == "jax")
        return gpu ? std::vector<std::string>{"jax", "jaxlib=*=*cuda*"} : std::vector<std::string>{"jax"};
    if (environment.framework == "cupy") return {"cupy"};
    return {};
}

// Quoted where YAML would not read it as a string.
std::string yaml_item(const std::string& text) {
    bool plain = !text.empty() && text.find(": ") == std::string::npos && text.find(" #") == std::string::npos &&
                 std::string_view("*&!|>%@`\"'#{}[],?-:").find(text[0]) == std::string_view::npos;
    return plain ? text : "\"" + replace_all(replace_all(text, "\\", "\\\\"), "\"", "\\\"") + "\"";
}

// Beside Python, which every environment of this file has.
bool wants_conda_packages(const Environment& environment) {
    return !framework_packages(environment).empty() || !environment.conda.empty();
}

// Who chose nothing of conda's gets no conda around the environment either.
std::string build_command(const Environment& environment, const std::string& path) {
    return "tinderbox build " + shell_quote(path) + (wants_conda_packages(environment) ? "" : " --base none");
}

std::string file_text(const Environment& environment, const std::string& path) {
    std::string out =
        fmt::format("# Written by 'tinderbox new'. To build the installer: {}\n", build_command(environment, path));
    out += "name: " + yaml_item(environment.name) + "\n";
    out += "channels:\n  - conda-forge\n  - nodefaults # nothing from Anaconda's own channels, whose terms limit "
           "handing it on\n";
    out += "dependencies:\n  - python=" + environment.python + "\n";
    const std::vector<std::string> framework = framework_packages(environment);
    const bool gpu = environment.cuda != "none", from_conda = wants_conda_packages(environment);
    // Without a package of conda that could use CUDA, its version would bind nothing.
    if (gpu && from_conda) {
        std::string major(split(environment.cuda, '.')[0]);
        out += fmt::format(
            "  - cuda-version={} # every CUDA {}.x runs on driver {} or newer (nvidia-smi there shows {})\n", major,
            major, format::driver_floor(number(major)), environment.cuda);
    }
    for (const std::string& name : framework) out += "  - " + yaml_item(name) + "\n";
    for (const std::string& name : environment.conda) out += "  - " + yaml_item(name) + "\n";
    if (environment.pip.empty()) return out;
    out += "  - pip\n";
    if (gpu && !from_conda)
        out += fmt::format("  # wheels bring a CUDA of their own; for those of CUDA {0}, where a project has them, add "
                           "--cuda {0} to the command\n",
                           environment.cuda);
    out += "  - pip: # installed last, on top of what conda brought\n";
    for (const std::string& name : environment.pip) out += "      - " + yaml_item(name) + "\n";
    return out;
}

Status create(const std::string& path) {
    if (lexists(path))
        return make_error(ErrorKind::usage,
                          "'{}' exists already, and is not overwritten; name another file: tinderbox new -o FILE",
                          path);
    TRY_ASSIGN(Environment environment, ask_questions());
    std::string text = file_text(environment, path);
    auto parsed = spec::parse_spec(text, path);
    if (!parsed) return std::move(parsed).error();
    TRY(create_output_file(path, text));
    Terminal& terminal = Terminal::get();
    terminal.note("written", path);
    // Nothing stands behind a command, so that a whole line can be copied.
    const std::string command = build_command(environment, path);
    terminal.note("packages", command + " --plan");
    terminal.note("next", command);
    return {};
}

} // namespace

void add_new(CLI::App& app, Invocation& invocation) {
    CLI::App* command = app.add_subcommand("new", "Ask five questions and write an environment.yml");
    command->footer("Without a terminal the answers are read from standard input, one a line; an empty line, or none, "
                    "takes the\n"
                    "default: name (lab), Python (3.11), framework (pytorch), CUDA of the other machine (12.4), "
                    "further packages (none).");
    auto file = std::make_shared<std::string>("environment.yml");
    command->add_option("-o,--output", *file, "The file to write")->capture_default_str();
    command->callback([=, &invocation] { invocation.run = [=] { return create(*file); }; });
}

} // namespace tinderbox::commands
