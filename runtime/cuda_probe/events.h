// What the probe says: JSON lines, one object an event, each written with one write() the moment it is known,
// so that nothing is lost when the driver kills the process in the next instruction.
//
// The events and their members are the contract between the probe and the installer; docs/inside/cuda-probe.md lists
// them. "probe" in the start event is the version of that contract (PROBE_PROTOCOL): members may be added
// under the same number, none changes its meaning.
#ifndef TINDERBOX_PROBE_EVENTS_H
#define TINDERBOX_PROBE_EVENTS_H

#include <stdbool.h>

#define PROBE_PROTOCOL 1

// A line never exceeds this (PIPE_BUF on Linux, so a write to a pipe is whole or absent). Long strings are
// cut.
enum { EVENT_LINE_MAX = 4096 };

// The descriptor that events go to. 1 until it is set.
void events_to(int descriptor);

// One event is event_begin, any number of members, event_end. Keys are literals of ours and are not escaped.
void event_begin(const char* name);
void event_text(const char* key,
                const char* value); // bytes that are not UTF-8 become U+FFFD; NULL becomes null
void event_integer(const char* key, long long value);
void event_decimal(const char* key, double value); // three decimals
void event_flag(const char* key, bool value);
void event_end(void);

#endif
