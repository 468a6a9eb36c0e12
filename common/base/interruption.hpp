// Ctrl-C. Both programs ask for it here; what they do about it differs. An installation looks at the flag where it can
// be continued (InstallOptions::interrupted). A generator's command ends wherever it is: the long loops of common/base
// and of the generator ask check_interrupted(), its error goes up as every other does, and destructors remove what is
// half-written. Thread-safe, but for the two functions that are called once.
#pragma once

#include "common/base/result.hpp"

#include <atomic>

namespace tinderbox {

// Once, by main(): SIGINT, SIGTERM and SIGHUP set the flag. The second one, more than 300 ms after the first, ends the
// program at once.
const std::atomic<bool>& catch_interruptions();

// Once, by a program whose work may end anywhere: from now on check_interrupted() tells of the flag.
void end_work_when_interrupted();

// Kind interrupted, after a signal, in such a program.
Status check_interrupted();
// Whether check_interrupted() may ever fail here: then nothing waits for ever without asking it.
bool work_can_be_interrupted();

} // namespace tinderbox
