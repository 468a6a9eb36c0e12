// tinderbox new: five questions, one environment.yml.
//
// The file names one channel (conda-forge, free to hand on), a pinned Python, and the CUDA major that the target's
// driver runs; pip brings only packages that were asked of it by name. People edit the file, so its comments give the
// reasons.
#include "common/base/file.hpp"
#include "common/base/names.hpp"
#include "common/base/output_file.hpp"
#include "common/base/terminal.hpp"
#include "common/base/text.hpp"
#include "common/format/cuda_floors.hpp"
#include "generator/commands/command.hpp"
#include "generator/spec/request.hpp"

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <algorithm>
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
    std::string name = to_lower(text);
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
    if (answer == "none" || answer == "no" || answer == "cpu") {
        out.cuda = "none";
        return "";
    }
    if (!is_version(answer, 2) || format::driver_floor(number(split(answer, '.')[0])).empty())
        return "write the number that nvidia-smi shows as 'CUDA Version', such as 12.4, or none for a machine without "
               "an "
               "NVIDIA GPU";
    if (number(split(answer, '.')[0]) < 11)
        return "the channel has no packages for CUDA 10 and older any more; the driver needs an update first";
    out.cuda = answer;
    return "";
}

// The readers of the file parse it in the same way, so that a mistake can be corrected here.
std::string parse_packages(const std::string& text, Environment& out) {
    out.conda.clear();
    out.pip.clear();
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
    {"Further packages (pip:NAME for one from pip)", "numpy pandas matplotlib jupyterlab", parse_packages},
};

Result<Environment> ask_questions() {
    const bool terminal = ::isatty(STDIN_FILENO);
    Environment out;
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

std::string file_text(const Environment& environment, const std::string& path) {
    std::string out = fmt::format("# Written by 'tinderbox new'. To build the installer: tinderbox build {}\n", path);
    out += "name: " + yaml_item(environment.name) + "\n";
    out += "channels:\n  - conda-forge\n  - nodefaults # nothing from Anaconda's own channels, whose terms limit "
           "handing it on\n";
    out += "dependencies:\n  - python=" + environment.python + "\n";
    if (environment.cuda != "none") {
        std::string major(split(environment.cuda, '.')[0]);
        out += fmt::format(
            "  - cuda-version={} # every CUDA {}.x runs on driver {} or newer (nvidia-smi there shows {})\n", major,
            major, format::driver_floor(number(major)), environment.cuda);
    }
    for (const std::string& name : framework_packages(environment)) out += "  - " + yaml_item(name) + "\n";
    for (const std::string& name : environment.conda) out += "  - " + yaml_item(name) + "\n";
    if (environment.pip.empty()) return out;
    out += "  - pip\n  - pip: # installed last, on top of what conda brought\n";
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
    terminal.note("next", fmt::format("tinderbox build {} --plan    its packages and their size", path));
    terminal.note("then", fmt::format("tinderbox build {}           → {}.run", path, environment.name));
    return {};
}

} // namespace

void add_new(CLI::App& app, Invocation& invocation) {
    CLI::App* command = app.add_subcommand("new", "Ask five questions and write an environment.yml");
    command->footer("Without a terminal the answers are read from standard input, one a line; an empty line, or none, "
                    "takes the\n"
                    "default: name (lab), Python (3.11), framework (pytorch), CUDA of the other machine (12.4), "
                    "further packages.");
    auto file = std::make_shared<std::string>("environment.yml");
    command->add_option("-o,--output", *file, "The file to write")->capture_default_str();
    command->callback([=, &invocation] { invocation.run = [=] { return create(*file); }; });
}

} // namespace tinderbox::commands
