#include "events.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int output = 1;
static char line[EVENT_LINE_MAX];
static size_t used;

// Bytes kept free for "}\n".
enum { RESERVE = 2, TEXT_MAX = 1200 };

void events_to(int descriptor) { output = descriptor; }

static bool append(const char* bytes, size_t size) {
    if (used + size + RESERVE > sizeof line) return false;
    memcpy(line + used, bytes, size);
    used += size;
    return true;
}

// A member that does not fit is left out completely, so that the line stays valid JSON.
static void member(const char* key, const char* value) {
    size_t before = used;
    bool fits = (line[used - 1] == '{' || append(",", 1)) && append("\"", 1) && append(key, strlen(key)) &&
                append("\":", 2) && append(value, strlen(value));
    if (!fits) used = before;
}

void event_begin(const char* name) {
    used = 0;
    append("{", 1);
    event_text("event", name);
}

// The length of the UTF-8 sequence at `s`, 0 for invalid bytes, overlong forms and surrogates.
static size_t utf8_length(const unsigned char* s) {
    if (s[0] < 0x80) return 1;
    size_t size = s[0] >= 0xC2 && s[0] <= 0xDF   ? 2
                  : s[0] >= 0xE0 && s[0] <= 0xEF ? 3
                  : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4
                                                 : 0;
    for (size_t i = 1; i < size; ++i) {
        if ((s[i] & 0xC0) != 0x80) return 0; // also stops at the terminating NUL
    }
    if (s[0] == 0xE0 && s[1] < 0xA0) return 0;
    if (s[0] == 0xED && s[1] > 0x9F) return 0;
    if (s[0] == 0xF0 && s[1] < 0x90) return 0;
    if (s[0] == 0xF4 && s[1] > 0x8F) return 0;
    return size;
}

void event_text(const char* key, const char* value) {
    if (value == NULL) {
        member(key, "null");
        return;
    }
    char quoted[TEXT_MAX + 16];
    size_t n = 0;
    quoted[n++] = '"';
    for (const unsigned char* s = (const unsigned char*)value; *s != 0 && n < TEXT_MAX;) {
        size_t size = utf8_length(s);
        if (size == 0) {
            memcpy(quoted + n, "\\ufffd", 6);
            n += 6, s += 1;
        } else if (size > 1) {
            memcpy(quoted + n, s, size);
            n += size, s += size;
        } else if (*s == '"' || *s == '\\') {
            quoted[n++] = '\\';
            quoted[n++] = (char)*s++;
        } else if (*s < 0x20 || *s == 0x7F) {
            n += (size_t)snprintf(quoted + n, 7, "\\u%04x", (unsigned)*s++);
        } else {
            quoted[n++] = (char)*s++;
        }
    }
    quoted[n++] = '"';
    quoted[n] = 0;
    member(key, quoted);
}

void event_integer(const char* key, long long value) {
    char digits[32];
    snprintf(digits, sizeof digits, "%lld", value);
    member(key, digits);
}

// Not %f: a loaded library may have called setlocale(), and then %f writes a decimal comma.
void event_decimal(const char* key, double value) {
    char digits[48];
    bool sane = value > -1e15 && value < 1e15; // false for NaN, too; JSON has no NaN
    long long thousandths = sane ? (long long)(value * 1000 + (value < 0 ? -0.5 : 0.5)) : 0;
    long long magnitude = thousandths < 0 ? -thousandths : thousandths;
    snprintf(digits, sizeof digits, "%s%lld.%03lld", thousandths < 0 ? "-" : "", magnitude / 1000, magnitude % 1000);
    member(key, sane ? digits : "null");
}

void event_flag(const char* key, bool value) { member(key, value ? "true" : "false"); }

void event_end(void) {
    memcpy(line + used, "}\n", 2);
    used += 2;
    for (size_t done = 0; done < used;) {
        ssize_t n = write(output, line + done, used - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return; // nobody reads the pipe; the supervisor or the parent ends this process
        done += (size_t)n;
    }
}
