// The probe's output: JSON lines, one object for each event. One write() writes each event at once, so that no event is
// lost when the driver kills the process in the next instruction.
//
// The events and their members are the contract between the probe and the installer; docs/inside/cuda-probe.md lists
// them. "probe" in the start event is the version of that contract (PROBE_PROTOCOL). The same version may get new
// members; no member changes its meaning.
#ifndef TINDERBOX_PROBE_EVENTS_H
#define TINDERBOX_PROBE_EVENTS_H

#include <stdbool.h>

#define PROBE_PROTOCOL 1

// The longest line: PIPE_BUF on Linux, so that a write to a pipe is whole or absent. Longer strings are cut.
enum { EVENT_LINE_MAX = 4096 };

// The descriptor that events are written to; 1 before this call.
void events_to(int descriptor);

// An event is event_begin, members, event_end. Keys are literals of this program and are not escaped.
void event_begin(const char* name);
void event_text(const char* key,
                const char* value); // bytes that are not UTF-8 become U+FFFD; NULL becomes null
void event_integer(const char* key, long long value);
void event_decimal(const char* key, double value); // three decimals
void event_flag(const char* key, bool value);
void event_end(void);

#endif
