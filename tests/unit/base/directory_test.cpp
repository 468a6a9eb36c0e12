// A directory by its descriptor: nothing below is reached through a link.
#include "common/base/directory.hpp"

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

using namespace tinderbox;

namespace {

struct Trees {
    TemporaryDirectory scratch = *TemporaryDirectory::make();
    fs::path ours = scratch.path() / "ours", theirs = scratch.path() / "theirs";
    Trees() {
        for (const fs::path& tree : {ours, theirs}) {
            fs::create_directories(tree / "lib/deep");
            std::ofstream(tree / "lib/deep/file") << tree.filename().string();
        }
    }
};

// As a kernel before 5.6 (ENOSYS) or a container's filter (EPERM). This process cannot take it back.
bool refuse_openat2(unsigned error) {
    sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
                          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
                          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    const sock_fprog program{4, code};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

} // namespace

TEST_CASE("a link in any component is refused") {
    Trees trees;
    fs::create_directory_symlink(trees.theirs / "lib", trees.ours / "link");
    fs::create_directory_symlink("deep", trees.ours / "lib/inner");
    fs::create_symlink("deep/file", trees.ours / "lib/alias");
    const Directory ours = *Directory::open(trees.ours);
    struct stat st;
    CHECK(ours.look("lib/deep/file", st) == 0);
    for (const char* path : {"link/deep/file", "lib/inner/file", "../theirs/lib/deep/file", "lib/../../theirs/lib"}) {
        INFO(path);
        CHECK(ours.look(path, st) != 0);
        CHECK(ours.unlink(path) != 0);
        CHECK(ours.change_mode(path, 0600) != 0);
        CHECK_FALSE(ours.open_file(path, O_RDONLY).ok());
        CHECK_FALSE(ours.read_text(path).ok());
    }
    CHECK_FALSE(ours.open_file("lib/alias", O_RDONLY).ok());
    CHECK_FALSE(ours.directory("link").ok());
    CHECK_FALSE(ours.make_directory("link/new", 0755).ok());
    CHECK(ours.look("link/deep/file", st) == ELOOP);
    CHECK(ours.look("lib/missing", st) == ENOENT);
    CHECK(ours.look("lib/alias", st) == 0);
    CHECK(S_ISLNK(st.st_mode));
    CHECK(*ours.read_link("lib/alias") == "deep/file");
    CHECK(*ours.read_text("lib/deep/file") == "ours");
    CHECK(fs::exists(trees.theirs / "lib/deep/file"));
}

TEST_CASE("an absolute path does not leave the directory") {
    Trees trees;
    const Directory ours = *Directory::open(trees.ours);
    CHECK_FALSE(ours.read_text((trees.theirs / "lib/deep/file").string()).ok());
}

TEST_CASE("a tree is removed without what its links lead to, and without write permission in it") {
    Trees trees;
    fs::create_directory_symlink(trees.theirs, trees.ours / "lib/deep/out");
    fs::permissions(trees.ours / "lib/deep", fs::perms::owner_read | fs::perms::owner_exec);
    const Directory scratch = *Directory::open(trees.scratch.path());
    CHECK(scratch.remove_tree("ours").ok());
    CHECK(scratch.remove_tree("ours").ok());
    CHECK_FALSE(fs::exists(trees.ours));
    CHECK(fs::exists(trees.theirs / "lib/deep/file"));
}

TEST_CASE("entries are sorted and say what is a directory") {
    Trees trees;
    fs::create_directory_symlink("lib", trees.ours / "a-link");
    std::ofstream(trees.ours / "z") << "";
    const auto entries = *Directory::open(trees.ours)->entries();
    REQUIRE(entries.size() == 3);
    CHECK((entries[0].name == "a-link" && !entries[0].is_directory));
    CHECK((entries[1].name == "lib" && entries[1].is_directory));
    CHECK((entries[2].name == "z" && !entries[2].is_directory));
}

TEST_CASE("a file is replaced as a whole; a FIFO in its place does not block the reader") {
    Trees trees;
    const Directory ours = *Directory::open(trees.ours);
    REQUIRE(ours.write_atomically("state", "one", 0600).ok());
    REQUIRE(ours.write_atomically("state", "two", 0640).ok());
    CHECK(*ours.read_text("state") == "two");
    struct stat st;
    REQUIRE(ours.look("state", st) == 0);
    CHECK((st.st_mode & 07777) == 0640);
    CHECK(ours.entries()->size() == 2); // no temporary file stays
    // A link in the file's place is replaced; the file that it names keeps its text.
    REQUIRE(ours.unlink("state") == 0);
    fs::create_symlink(trees.theirs / "lib/deep/file", trees.ours / "state");
    REQUIRE(ours.write_atomically("state", "three").ok());
    CHECK(*Directory::open(trees.theirs)->read_text("lib/deep/file") == "theirs");
    REQUIRE(::mkfifo((trees.ours / "fifo").c_str(), 0600) == 0);
    (void)ours.read_text("fifo"); // ends at once
}

TEST_CASE("a link in any component is refused where the kernel or a filter has no openat2") {
    Trees trees;
    fs::create_directory_symlink(trees.theirs / "lib", trees.ours / "link");
    const Directory ours = *Directory::open(trees.ours);
    for (unsigned error : {ENOSYS, EPERM}) {
        INFO(error);
        const pid_t child = ::fork();
        if (child == 0) {
            struct stat st;
            if (!refuse_openat2(error)) ::_exit(77);
            const bool right = ours.look("lib/deep/file", st) == 0 && ours.look("link/deep/file", st) == ENOTDIR &&
                               ours.look("../theirs/lib/deep", st) != 0 && ours.look("lib/none", st) == ENOENT &&
                               !ours.open_file("link/deep/file", O_RDONLY).ok() &&
                               *ours.read_text("lib/deep/file") == "ours";
            ::_exit(right ? 0 : 1);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 77) SKIP("no seccomp here");
        CHECK(status == 0);
    }
}
