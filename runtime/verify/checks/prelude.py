# Goes after answer.py and before the check of a framework. Runs on Python 3.6 and later.
import time

answer = say


def say(**words):
    for key in ("said", "words"):  # messages of other programs may have several lines
        if key in words:
            words[key] = " ".join(words[key].split())
    answer(**words)


def step(name, check, gpu=False):
    """Runs one step; check() returns words for the report, or None. The first failed step ends the
    check, because an error of CUDA breaks the context of the process."""
    say(begin=name, gpu=gpu)
    began = time.monotonic()
    try:
        words = check()
    except BaseException as e:
        error = "%s: %s" % (type(e).__name__, e)
        say(step=name, ok=False, gpu=gpu, words=error[:2000], seconds=round(time.monotonic() - began, 3))
        end(1)
    say(step=name, ok=True, gpu=gpu, words=str(words or ""), seconds=round(time.monotonic() - began, 3))


def must_be(got, wanted, what):
    if got != wanted:
        raise RuntimeError("%s is %r, not %r" % (what, got, wanted))


def first(*attempts):
    """The result of the first function that raises no exception, else None. For facts of a report."""
    for attempt in attempts:
        try:
            return attempt()
        except Exception:
            pass
    return None
