// Fuzz target for the outer tar of installers, and for libarchive's reader in read_tar(): both return. Members that the
// first lists lie inside the range, at safe paths.
#include "mutate.hpp"

#include "generator/archive/file_source.hpp"
#include "generator/archive/plain_tar.hpp"
#include "generator/archive/tar.hpp"

#include "common/base/file.hpp"
#include "common/base/member_path.hpp"
#include "common/base/text.hpp"

#include <sys/mman.h>

using namespace tinderbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(reinterpret_cast<const std::byte*>(data), size);
    const Fd fd(::memfd_create("fuzz", MFD_CLOEXEC));
    if (!fd || !write_exact(fd.get(), bytes, "fuzz").ok()) return 0;
    auto members = archive::list_plain_tar(fd.get(), {0, size}, "fuzz.tar");
    if (members.ok())
        for (const archive::PlainTarMember& member : *members)
            if (member.content.end() > size || !safe_relative_path(member.path).ok() ||
                (member.kind == format::EntryKind::symlink && !symlink_stays_inside(member.path, member.link)))
                __builtin_trap();
    archive::TarOptions options;
    options.name = "fuzz.tar";
    options.budget.bytes = 64u << 20;
    auto source = archive::make_memory_source(Bytes(bytes.begin(), bytes.end()));
    (void)archive::read_tar(*source, options,
                            [&](const archive::TarMember& member, archive::ByteSource& content) -> Status {
                                if (!safe_relative_path(member.path).ok()) __builtin_trap();
                                TRY_ASSIGN(Bytes read, archive::read_all(content, 64u << 20, "fuzz"));
                                if (read.size() != member.size) __builtin_trap();
                                return {};
                            });
    return 0;
}
