// --replace: what the user added to the old environment, or changed in it, goes into the new one.
//
// Must: nothing of the user's is removed. An entry goes to its own path in the new tree. Where the new environment has
// something of its own at that path, nothing is replaced at all (refuse_carry_over, before a byte is written): two
// versions of one package's files would make neither work.
#pragma once

#include "common/format/run_file.hpp"
#include "runtime/install/ownership.hpp"
#include "runtime/io/faults.hpp"
#include "runtime/io/plan.hpp"
#include "runtime/place/place.hpp"

namespace tinderbox::install {

// nullopt: the environment at the decision's root may be replaced. Otherwise some entries of the user's are in the way
// of the new tree's (they are named), or nobody knows which entries are the user's. Reads every file of the old
// environment. Nothing is refused with --purge. Kind interrupted.
Result<std::optional<place::Refusal>> refuse_carry_over(const place::Decision& decision, const format::Table& table,
                                                        const io::WritePlan& plan, const TreeWork& work = {});
// The same for an installer, whose table is read first.
Result<std::optional<place::Refusal>> refuse_carry_over(const format::RunFile& run, const place::Decision& decision,
                                                        const TreeWork& work = {});

// What becomes of the rest of an old tree: it goes, or stays as a generation (generations.hpp).
enum class OldTree { remove, keep };

// Moves the user's entries of `old` into `now`, whose installation is complete. Returns the paths that were carried
// over. May be called again after a kill at any moment. Where a script of the new environment has made another file of
// that name since, the user's gets ".tinderbox-old" at its end. Kinds: storage (something could not be moved or
// removed, and is where it was), interrupted.
Result<std::vector<std::string>> carry_over(const Directory& old, const Directory& now, const place::Trust& trust,
                                            OldTree rest, const TreeWork& work = {}, io::Faults* faults = nullptr);

// Whether the user's entries of the environment at `root` have room in `other`, a whole environment that takes its
// place. Kind interrupted.
Result<std::optional<place::Refusal>> refuse_exchange(const place::OpenTree& root, const place::OpenTree& other,
                                                      const TreeWork& work = {});

} // namespace tinderbox::install
