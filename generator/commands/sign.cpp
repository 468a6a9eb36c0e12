// tinderbox keygen, tinderbox sign: who made a NAME.run.
#include "common/base/output_file.hpp"
#include "common/base/shell_quote.hpp"
#include "common/base/terminal.hpp"
#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "common/sign/run_signature.hpp"
#include "generator/commands/command.hpp"

#include <CLI/CLI.hpp>

namespace tinderbox::commands {
namespace {

// KEY.pem → KEY.pub.pem
fs::path public_name(const fs::path& private_key) {
    fs::path out = private_key;
    if (out.extension() == ".pem") out.replace_extension();
    out += ".pub.pem";
    return out;
}

Status keygen(const std::string& file) {
    const fs::path secret = file, open = public_name(secret);
    for (const fs::path& path : {secret, open})
        if (lexists(path))
            return make_error(ErrorKind::usage,
                              "'{}' is there already and may be a key that is needed; give another name",
                              path.string());
    TRY_ASSIGN(sign::SigningKey key, sign::SigningKey::generate());
    TRY_ASSIGN(std::string secret_pem, key.private_pem());
    TRY_ASSIGN(std::string public_pem, key.public_pem());
    // Never over an existing file: it may be a key whose signatures are in use. One half of a pair is of no use.
    TRY(create_output_file(secret, secret_pem, 0600));
    if (Status status = create_output_file(open, public_pem); !status.ok()) {
        std::error_code ignored;
        fs::remove(secret, ignored);
        return status;
    }
    Terminal& terminal = Terminal::get();
    terminal.note("private", fmt::format("{}: keep it to yourself; tinderbox build --sign {}", secret.string(),
                                         shell_quote(secret.string())));
    terminal.note("public",
                  fmt::format("{}: hand it on by another way than the installers; tinderbox verify FILE --key {}",
                              open.string(), shell_quote(open.string())));
    return {};
}

Status sign(const std::string& file, const std::string& key_file) {
    TRY_ASSIGN(sign::SigningKey key, sign::SigningKey::read(key_file));
    TRY_ASSIGN(format::RunFile run, format::RunFile::open(file));
    Terminal& terminal = Terminal::get();
    // A damaged file must not be signed.
    TRY(run.verify_all(0, [&](std::uint64_t done) { terminal.progress("verifying", done, run.total_size()); }));
    TRY_ASSIGN(Sha256Digest digest,
               run.sha256_of_files([&](std::uint64_t done) { terminal.progress("signing", done, run.total_size()); }));
    terminal.end_progress();
    TRY_ASSIGN(Bytes signature, key.sign(digest));
    const fs::path path = sign::signature_path(file);
    TRY(write_output_file(path, signature));
    terminal.note("signed",
                  fmt::format("{}: {} bytes over {}", path.string(), signature.size(), format_bytes(run.total_size())));
    return {};
}

} // namespace

void add_keygen(CLI::App& app, Invocation& invocation) {
    CLI::App* command = app.add_subcommand("keygen", "Make a pair of keys for --sign and --key (ECDSA P-256)");
    auto file = std::make_shared<std::string>("tinderbox-key.pem");
    command->add_option("FILE,-o,--output", *file, "The private key; the public one is FILE with .pub.pem")
        ->capture_default_str();
    command->callback([=, &invocation] { invocation.run = [=] { return keygen(*file); }; });
}

void add_sign(CLI::App& app, Invocation& invocation) {
    CLI::App* command = app.add_subcommand("sign", "Sign a finished .run: writes FILE.sig");
    auto file = std::make_shared<std::string>();
    auto key = std::make_shared<std::string>();
    command->add_option("FILE", *file, "NAME.run")->required();
    command->add_option("--key,--sign", *key, "Private key (PEM, P-256)")->required();
    command->callback([=, &invocation] { invocation.run = [=] { return sign(*file, *key); }; });
}

} // namespace tinderbox::commands
