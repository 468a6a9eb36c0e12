#!/usr/bin/env python3
"""Runs the CUDA probe with fake drivers that fail in many ways.

scenarios.py PROBES DRIVERS [--real DIR] [--stub DIR] [--only TEXT]
  PROBES   the folder with cuda_probe_0, cuda_probe_12, cuda_probe_13 (the existing ones are tested)
  DRIVERS  the folder that build.sh made
  --real   a folder with a real libcuda.so.1, on this machine without a GPU
  --stub   a folder named "stubs" with the toolkit's stub as libcuda.so.1

A scenario is one call of add(): the driver, the value of FAKE_CUDA, and the expected events. `wants` lists events that
must occur in this order; others may lie between. An event matches when it has all the given members. `end` has members
of the last event.
"""
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

SCENARIOS = []


def add(name, fake="", driver="full", wants=(), end=None, code=None, never=(), args=(), probe=0, within=30,
        needs_cubins=False):
    SCENARIOS.append(dict(name=name, fake=fake, driver=driver, wants=list(wants), end=end or {}, code=code,
                          never=list(never), args=list(args), probe=probe, within=within, needs_cubins=needs_cubins))


def error(call, code, name=None, **more):
    wanted = {"event": "error", "stage": 1, "call": call, "code": code, **more}
    if name:
        wanted["name"] = name
    return wanted


def fails(name, fake, *wants, devices_ok=None, **more):
    end = {"ok": False, "stage1": "failed"}
    if devices_ok is not None:
        end["devices_ok"] = devices_ok
    add(name, fake, wants=wants, end=end, code=1, args=more.pop("args", ["--stage", "1"]), **more)


ONE = ["--stage", "1"]
TWO = ["--stage", "2"]
PASSES = {"ok": True, "stage1": "passed"}
ANY_ERROR = {"event": "error"}


def kernel(name, image, ok=True, **more):
    return {"event": "kernel", "kernel": name, "image": image, "ok": ok, **more}


def memory_test(ok=True, **more):
    return {"event": "memory_test", "stage": 1, "device": 0, "ok": ok, "patterns": 2, **more}


# ---- it works --------------------------------------------------------------------------------------------------

add("one GPU, machine code and PTX", args=ONE, code=0, never=[ANY_ERROR], end={**PASSES, "devices": 1, "devices_ok": 1},
    wants=[{"event": "start", "probe": 1}, {"event": "libcuda", "kind": "driver"},
           {"event": "driver", "api_version": 13000},
           {"event": "device", "device": 0, "name": "Fake GPU", "compute_capability": "9.0", "mig": False,
            "memory_bytes": 8 << 30, "pci": "0000:3B:00.0", "multiprocessors": 132,
            "uuid": "GPU-00010203-0405-0607-0809-0a0b0c0d0e0f"},
           {"event": "image", "image": "ptx", "ok": True}, kernel("saxpy", "ptx"), kernel("fma", "ptx"),
           kernel("reduce", "ptx", outputs=257),
           {"event": "bandwidth", "direction": "host_to_device"}, {"event": "bandwidth", "direction": "device_to_host"},
           {"event": "bandwidth", "direction": "device_to_device"}, {"event": "device_done", "ok": True}])
add("eight GPUs", "devices=8,memory=64000000", args=ONE, code=0, end={**PASSES, "devices": 8, "devices_ok": 8},
    wants=[{"event": "device", "device": 0}, {"event": "device_done", "device": 0, "ok": True},
           {"event": "device", "device": 7, "pci": "0000:42:00.0"}, {"event": "device_done", "device": 7, "ok": True}])
add("a GPU older than any machine code here", "cc=3.0", args=ONE, code=0, end=PASSES,
    wants=[{"event": "device", "compute_capability": "3.0"}, {"event": "device_done", "image": "ptx"}],
    never=[{"event": "image", "ok": False}])
add("a GPU newer than this program", "cc=15.3", args=ONE, code=0, end=PASSES,
    wants=[{"event": "device_done", "image": "ptx"}], never=[{"event": "image", "ok": False}])
add("a later minor takes its major's machine code", "cc=8.9", args=ONE, code=0, end=PASSES, wants=["cubin sm_80"])
add("Blackwell", "cc=12.1", args=ONE, code=0, end=PASSES, wants=["cubin sm_120"])
add("a driver older than the toolkit of the machine code gets PTX only", "driver=11040,cc=12.0", args=ONE, code=0, end=PASSES,
    wants=[{"event": "driver", "api_version": 11040}, {"event": "device_done", "image": "ptx"}],
    never=[{"event": "image", "image": "sm_120"}])
add("a MIG instance", "name=NVIDIA A100-SXM4-40GB MIG 1g.5gb,cc=8.0", args=ONE, code=0, end=PASSES,
    wants=[{"event": "device", "mig": True, "uuid": "MIG-00010203-0405-0607-0809-0a0b0c0d0e0f"}])
add("a name with quotes and bytes that are not UTF-8", 'name=A "B" \\ \t \udcff\udc80 é', args=ONE, code=0, end=PASSES,
    wants=[{"event": "device", "name": 'A "B" \\ \t \ufffd\ufffd é'}])
add("machine code refused, PTX works", "cubin=209", args=ONE, code=0, end=PASSES, never=[ANY_ERROR],
    wants=[{"event": "image", "image": "sm_90", "ok": False, "code": 209, "name": "CUDA_ERROR_NO_BINARY_FOR_GPU"},
           {"event": "image", "image": "ptx", "ok": True}, {"event": "device_done", "ok": True, "image": "ptx"}])
add("no PTX compiler, machine code works", "ptx=221", needs_cubins=True, args=ONE, code=0, end=PASSES, never=[ANY_ERROR],
    wants=[kernel("reduce", "sm_90"), {"event": "image", "image": "ptx", "ok": False, "code": 221,
                                       "name": "CUDA_ERROR_JIT_COMPILER_NOT_FOUND"}, {"event": "device_done", "ok": True}])
add("the GPU's memory is nearly full", "memory=15000000", args=ONE, code=0, end=PASSES,
    wants=[memory_test(bytes=1 << 20), {"event": "bandwidth", "bytes": 4 << 20}])
add("no pinned memory", "cuMemAllocHost=2", args=ONE, code=0, end=PASSES, wants=[{"event": "bandwidth", "pinned": False}])
add("a bandwidth that cannot be measured is no failure", "cuMemcpyDtoD=719", args=ONE, code=0, end=PASSES,
    wants=[{"event": "note", "call": "device_to_device", "code": 719}, {"event": "device_done", "ok": True}], never=[ANY_ERROR])
add("an old driver without the optional functions", driver="no-names", args=ONE, code=0, end=PASSES,
    wants=[{"event": "note", "symbol": "cuGetErrorName"}, {"event": "device", "compute_capability": "9.0",
           "uuid": "GPU-00010203-0405-0607-0809-0a0b0c0d0e0f"}])
add("the compat package", driver="compat", args=ONE, code=0, end=PASSES,
    wants=[{"event": "libcuda", "kind": "compat", "file_version": "575.57.08"}])
add("what libraries print does not get between the events", "print=cuInit", args=ONE, code=0, end=PASSES,
    wants=[{"event": "output", "text": '{"event":"forged"} on stdout'},
           {"event": "output", "text": 'on stderr \ufffd "quoted"'}], never=[{"event": "forged"}])

# ---- no driver -------------------------------------------------------------------------------------------------

add("no libcuda at all", driver=None, args=ONE, code=1, end={"ok": False, "stage1": "failed", "devices": None},
    wants=[{"event": "error", "call": "dlopen", "name": "LIBRARY_NOT_FOUND"}])
add("a libcuda that is no library", driver="broken", args=ONE, code=1, end={"ok": False, "stage1": "failed"},
    wants=[{"event": "error", "call": "dlopen", "name": "LIBRARY_BROKEN"}])
add("a libcuda cut short kills whoever opens it", driver="truncated", args=ONE, code=1,
    end={"ok": False, "stage1": "crashed"}, wants=[{"event": "crash", "during": "dlopen", "name": "SIGBUS"}])
add("a libcuda without functions", driver="empty", args=ONE, code=1, end={"ok": False, "stage1": "failed"},
    wants=[{"event": "libcuda"}, {"event": "error", "call": "dlsym", "symbol": "cuInit"}])
add("a libcuda that lacks one function", driver="no-launch", args=ONE, code=1, end={"ok": False, "stage1": "failed"},
    wants=[{"event": "error", "call": "dlsym", "name": "SYMBOL_NOT_FOUND", "symbol": "cuLaunchKernel"}])
add("the toolkit's stub", driver="STUB", args=ONE, code=1, end={"ok": False, "stage1": "failed"},
    wants=[{"event": "libcuda", "kind": "stub"}, error("cuInit", 34, "CUDA_ERROR_STUB_LIBRARY")])
add("a real driver library without a kernel module", driver="REAL", args=ONE, code=1,
    end={"ok": False, "stage1": "failed"},
    wants=[{"event": "libcuda", "kind": "driver"}, {"event": "driver"}, error("cuInit", 100, "CUDA_ERROR_NO_DEVICE")],
    never=[{"event": "note"}, {"event": "error", "call": "dlsym"}])

# ---- cuInit, each code of the diagnosis table --------------------------------------------------------------------

for code_, name_ in [(2, "CUDA_ERROR_OUT_OF_MEMORY"), (3, "CUDA_ERROR_NOT_INITIALIZED"), (34, "CUDA_ERROR_STUB_LIBRARY"),
                     (46, "CUDA_ERROR_DEVICE_UNAVAILABLE"), (100, "CUDA_ERROR_NO_DEVICE"),
                     (101, "CUDA_ERROR_INVALID_DEVICE"), (304, "CUDA_ERROR_OPERATING_SYSTEM"),
                     (800, "CUDA_ERROR_NOT_PERMITTED"), (802, "CUDA_ERROR_SYSTEM_NOT_READY"),
                     (803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"), (804, "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE"),
                     (999, "CUDA_ERROR_UNKNOWN"), (7777, "CUDA_ERROR_UNLISTED")]:
    fails(f"cuInit answers {code_}", f"cuInit={code_}", {"event": "driver", "api_version": 13000},
          error("cuInit", code_, name_))
fails("names from our own table", "cuInit=100", error("cuInit", 100, "CUDA_ERROR_NO_DEVICE"), driver="no-names")

# ---- devices -----------------------------------------------------------------------------------------------------

fails("no device", "devices=0", error("cuDeviceGetCount", 100, "CUDA_ERROR_NO_DEVICE"))
fails("the count fails", "cuDeviceGetCount=3", error("cuDeviceGetCount", 3))
fails("a device cannot be asked", "cuDeviceGetAttribute=101", error("cuDeviceGetAttribute", 101, device=0),
      {"event": "device_done", "ok": False, "image": None}, devices_ok=0)
fails("the context cannot be made (exclusive mode, busy)", "cuDevicePrimaryCtxRetain=46",
      error("cuDevicePrimaryCtxRetain", 46, "CUDA_ERROR_DEVICE_UNAVAILABLE", device=0), devices_ok=0)
fails("no memory for the smallest test", "memory=5000000", error("cuMemAlloc", 2, device=0), devices_ok=0,
      never=[{"event": "output"}])
fails("copying to the device fails", "cuMemcpyHtoD=214", error("cuMemcpyHtoD", 214, "CUDA_ERROR_ECC_UNCORRECTABLE"))
fails("copying from the device fails", "cuMemcpyDtoH=700", error("cuMemcpyDtoH", 700, "CUDA_ERROR_ILLEGAL_ADDRESS"))
fails("one bad GPU of eight", "devices=8,device=5,cuLaunchKernel=719,memory=64000000",
      {"event": "device_done", "device": 4, "ok": True}, error("cuLaunchKernel", 719, device=5),
      {"event": "device_done", "device": 5, "ok": False}, {"event": "device_done", "device": 6, "ok": True}, devices_ok=7)

# ---- kernels -----------------------------------------------------------------------------------------------------

fails("neither machine code nor PTX loads", "cubin=209,ptx=222,log=ptxas fatal: Unsupported .version 6.0",
      {"event": "image", "image": "sm_90", "code": 209},
      {"event": "image", "image": "ptx", "code": 222, "log": "ptxas fatal: Unsupported .version 6.0"},
      error("cuModuleLoadDataEx", 222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", device=0), devices_ok=0)
fails("PTX fails on a GPU without machine code", "cc=3.0,ptx=218", error("cuModuleLoadDataEx", 218, "CUDA_ERROR_INVALID_PTX"))
fails("the kernel is not found", "cuModuleGetFunction=500", error("cuModuleGetFunction", 500, "CUDA_ERROR_NOT_FOUND"))
fails("the launch fails", "cuLaunchKernel=701", error("cuLaunchKernel", 701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"))
fails("the kernel faults", "cuCtxSynchronize=700", error("cuCtxSynchronize", 700, "CUDA_ERROR_ILLEGAL_ADDRESS"))
fails("the kernel takes too long (a display's watchdog)", "cuCtxSynchronize=702",
      error("cuCtxSynchronize", 702, "CUDA_ERROR_LAUNCH_TIMEOUT"))
for kernel_, index_ in [("saxpy", 1000002), ("fma", 1000002), ("reduce", 7), ("matmul", 16000)]:
    fails(f"one bit of {kernel_} is wrong", f"wrong={kernel_}",
          kernel(kernel_, "ptx", ok=False, wrong=1, first_wrong=index_), {"event": "device_done", "ok": False},
          never=[{"event": "bandwidth"}])
    fails(f"{kernel_} writes nothing", f"lost={kernel_}", kernel(kernel_, "ptx", ok=False, first_wrong=0))

fails("the matrix product is added up in another order", "order=other", kernel("matmul", "ptx", ok=False, outputs=193 * 161),
      {"event": "device_done", "ok": False})

# ---- the memory test, and devices in pairs -----------------------------------------------------------------------


add("a tenth of the free memory is tested", "free=104857600", args=ONE, code=0, end=PASSES,
    wants=[{"event": "start", "memory_percent": 10}, kernel("matmul", "ptx"), memory_test(percent=10, bytes=10 << 20, wrong=0),
           {"event": "bandwidth"}, {"event": "device_done", "ok": True}])
add("as much as is asked for", "free=104857600", args=ONE + ["--memory", "50"], code=0, end=PASSES,
    wants=[memory_test(percent=50, bytes=50 << 20)])
add("no memory test", args=ONE + ["--memory", "0"], code=0, end=PASSES, never=[{"event": "memory_test"}],
    wants=[kernel("matmul", "ptx"), {"event": "device_done", "ok": True}])
add("more than one block of memory, and less than is free", "memory=600000000,free=2000000000", args=ONE + ["--memory", "95"],
    code=0, end=PASSES, wants=[memory_test(percent=95, bytes=(500 << 20, 600000000))], within=60)
add("a driver that does not say what is free", "cuMemGetInfo=801", args=ONE, code=0, end=PASSES, never=[{"event": "memory_test"}],
    wants=[{"event": "note", "call": "cuMemGetInfo"}])
add("no free memory to test", "free=1000", args=ONE, code=0, end=PASSES, never=[{"event": "memory_test"}],
    wants=[{"event": "note", "call": "cuMemAlloc", "code": 2}])
fails("one bit of the memory is wrong", "wrong=fill", memory_test(ok=False, wrong=(1, 8), first_wrong=123457),
      {"event": "device_done", "ok": False}, devices_ok=0, never=[{"event": "bandwidth"}])
fails("nothing arrives in the memory", "lost=fill", memory_test(ok=False, first_wrong=0), devices_ok=0)
# A check that does not run writes no result. The ends that the CPU reads are right, so only the preset count shows it.
fails("the check of the memory faults", "device=0,cuCtxSynchronize=700", error("cuCtxSynchronize", 700))


def peer(to, origin, ok=True, **more):
    return {"event": "peer", "stage": 1, "device": to, "from": origin, "ok": ok, "bytes": 16 << 20, **more}


TWO_GPUS = "devices=2,memory=100000000"
add("two GPUs send to each other and read each other's memory", TWO_GPUS, args=ONE, code=0,
    end={**PASSES, "devices": 2, "devices_ok": 2},
    wants=[{"event": "device_done", "device": 1, "ok": True}, peer(0, 1, access=True, wrong=0), peer(1, 0, access=True, wrong=0)])
add("no direct access: copies by way of the host", TWO_GPUS + ",peers=none", args=ONE, code=0, end=PASSES,
    wants=[peer(0, 1, access=False), peer(1, 0, access=False)], never=[{"event": "error"}])
add("direct access that is promised and refused", TWO_GPUS + ",cuCtxEnablePeerAccess=217", args=ONE, code=0, end=PASSES,
    wants=[{"event": "note", "call": "cuCtxEnablePeerAccess", "code": 217}, peer(0, 1, access=False)])
add("direct access that is on already", TWO_GPUS + ",cuCtxEnablePeerAccess=704", args=ONE, code=0, end=PASSES,
    wants=[peer(0, 1, access=True)])
fails("what is sent to a GPU arrives damaged", "devices=3,memory=100000000,device=2,wrong=peer", peer(0, 1), peer(1, 0),
      peer(2, 0, ok=False, wrong=1), peer(2, 1, ok=False, wrong=1), devices_ok=3)
fails("a GPU reads another's memory wrong", "devices=2,memory=100000000,device=1,wrong=read", peer(0, 1),
      peer(1, 0, ok=False, access=True, wrong=1), devices_ok=2)
fails("sending between two GPUs is an error", TWO_GPUS + ",device=1,cuMemcpyPeer=719", peer(0, 1),
      error("cuMemcpyPeer", 719, device=1), peer(1, 0, ok=False))
fails("pairs only of GPUs that work alone", "devices=3,memory=100000000,device=1,wrong=saxpy", peer(0, 2), peer(2, 0),
      devices_ok=2, never=[{"event": "peer", "device": 1}, {"event": "peer", "from": 1}])
add("a GPU without room for the pairs is left out", "devices=2,memory=100000000,device=1,cuMemcpyPeer=2", args=ONE, code=1,
    end={"stage1": "failed"}, wants=[peer(0, 1)])
add("a driver of CUDA 9.0", "driver=9000,cc=6.1/7.0,devices=2", driver="old", args=ONE, code=0, end=PASSES,
    wants=[{"event": "note", "symbol": "cuMemcpyPeer"}, {"event": "driver", "api_version": 9000},
           {"event": "device_done", "device": 0, "ok": True, "image": "ptx"}], never=[{"event": "peer"}])
for version_ in (9000, 9020, 10000, 10020, 11000, 11040, 11080, 12000, 12040, 12090, 13000, 13030):
    form_ = "sm_70" if version_ >= 11000 else "ptx"
    add(f"a Volta and a driver of CUDA {version_ // 1000}.{version_ % 1000 // 10}", f"driver={version_},cc=7.0", args=ONE,
        code=0, end=PASSES, needs_cubins=True,
        wants=[{"event": "driver", "api_version": version_}, {"event": "device_done", "ok": True, "image": form_}])
add("mixed compute capabilities", "devices=6,cc=3.5/6.1/7.5/8.6/9.0/12.0,memory=100000000", args=ONE, code=0,
    end={**PASSES, "devices": 6, "devices_ok": 6}, needs_cubins=True,
    wants=[{"event": "device_done", "device": n, "ok": True, "image": f"sm_{c}"}
           for n, c in enumerate((35, 60, 75, 80, 90, 120))] + [peer(5, 4)], within=60)

# ---- crashes and hangs -------------------------------------------------------------------------------------------

for how_, name_, signal_ in [("segv", "SIGSEGV", 11), ("bus", "SIGBUS", 7), ("abort", "SIGABRT", 6), ("kill", "SIGKILL", 9)]:
    for call_ in ("cuInit", "cuModuleLoadDataEx", "cuLaunchKernel"):
        add(f"{name_} in {call_}", f"{how_}={call_}", args=ONE, code=1, end={"ok": False, "stage1": "crashed"},
            wants=[{"event": "driver"}, {"event": "crash", "stage": 1, "during": call_, "signal": signal_, "name": name_}])
add("a crash on the second GPU keeps what is known of the first", "devices=2,device=1,segv=cuCtxSynchronize,memory=64000000",
    args=ONE, code=1, end={"stage1": "crashed", "devices": 2, "devices_ok": 1},
    wants=[{"event": "device_done", "device": 0, "ok": True}, {"event": "crash", "device": 1, "during": "cuCtxSynchronize"}])
add("the driver calls exit(0)", "exit=cuDevicePrimaryCtxRetain", args=ONE, code=1, end={"ok": False, "stage1": "crashed"},
    wants=[{"event": "crash", "during": "cuDevicePrimaryCtxRetain", "name": "EXIT", "exit_status": 0}])
for call_ in ("cuInit", "cuLaunchKernel"):
    add(f"{call_} hangs", f"hang={call_}", args=ONE + ["--seconds", "1"], code=1, end={"ok": False, "stage1": "timeout"},
        wants=[{"event": "driver"}, {"event": "timeout", "stage": 1, "during": call_, "seconds": 1, "killed": True}], within=4)
add("after a hang the second stage is not begun", "hang=cuInit", args=["--seconds", "1"], probe=12, code=1, within=4,
    end={"ok": False, "stage1": "timeout", "stage2": "not_run"}, never=[{"stage": 2}])

# ---- stage 2: its success cannot be faked, its failures can ------------------------------------------------------

add("a build without a runtime says so and passes", code=0, end={**PASSES, "stage2": "not_available"}, never=[{"stage": 2}])
add("stage 2 alone of a build without it", args=TWO, code=0, end={"ok": True, "stage1": "not_asked", "stage2": "not_available"})
for major_, below_, first_call_ in ((11, 10020, "cudaRuntimeGetVersion"), (12, 11080, "cudaDriverGetVersion"),
                                    (13, 12090, "cudaDriverGetVersion")):
    first = {"event": "runtime", "stage": 2, "runtime_version": (major_ * 1000, major_ * 1000 + 999)}
    add(f"CUDA {major_} runtime without a driver", driver=None, args=TWO, probe=major_, code=1,
        end={"ok": False, "stage1": "not_asked", "stage2": "failed"},
        wants=[{"event": "start", "cudart": (major_ * 1000, major_ * 1000 + 999)}, {**first, "driver_version": 0},
               {"event": "error", "stage": 2, "call": "cudaGetDeviceCount", "code": 35, "name": "cudaErrorInsufficientDriver"}])
    add(f"CUDA {major_} runtime with a driver below its floor", f"driver={below_}", args=TWO, probe=major_, code=1,
        end={"ok": False, "stage2": "failed"},
        wants=[{**first, "driver_version": below_}, {"event": "error", "stage": 2, "code": 35}])
    add(f"CUDA {major_} runtime with the stub", driver="STUB", args=TWO, probe=major_, code=1,
        end={"ok": False, "stage2": "failed"}, wants=[{"event": "error", "stage": 2, "code": 34, "name": "cudaErrorStubLibrary"}])
    add(f"CUDA {major_} runtime, the driver crashes", driver="truncated", args=TWO, probe=major_, code=1,
        end={"ok": False, "stage2": "crashed"}, wants=[{"event": "crash", "stage": 2, "during": first_call_}])
    add(f"CUDA {major_} runtime with a driver that is not NVIDIA's", "driver=13000", probe=major_, code=1,
        end={"ok": False, "stage1": "passed", "stage2": "failed", "devices": 1, "devices_ok": 1},
        wants=[{"event": "device_done", "stage": 1, "ok": True}, {**first, "driver_version": 13000},
               {"event": "error", "stage": 2, "call": "cudaGetDeviceCount"}])
for major_ in (11, 12):
    add(f"CUDA {major_} runtime, a real driver library of 12.2, no kernel module", driver="REAL", args=TWO, probe=major_, code=1,
        end={"ok": False, "stage2": "failed"}, wants=[{"event": "error", "stage": 2, "code": 100, "name": "cudaErrorNoDevice"}])
add("CUDA 13 runtime refuses a real driver library of 12.2", driver="REAL", args=TWO, probe=13, code=1,
    end={"ok": False, "stage2": "failed"},
    wants=[{"event": "runtime", "driver_version": (12000, 12999)}, {"event": "error", "stage": 2, "code": 35}])

# ---- running a scenario ------------------------------------------------------------------------------------------


def agrees(wanted, value):
    if isinstance(wanted, tuple):
        return value is not None and wanted[0] <= value <= wanted[1]
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def matches(wanted, event):
    return all(agrees(v, event.get(k)) for k, v in wanted.items())


def check_order(wants, events):
    position = 0
    for wanted in wants:
        while position < len(events) and not matches(wanted, events[position]):
            position += 1
        if position == len(events):
            return [f"this event is missing, or out of order: {wanted}"]
        position += 1
    return []


def without_cubins(scenario):
    """The expected events with a probe that has no machine code (built without ptxas)."""
    wants = [w for w in scenario["wants"] if not str(w.get("image", "")).startswith("sm_")]
    return [{k: v for k, v in w.items() if not (k == "image" and w["event"] == "device_done")} for w in wants]


def run(scenario, options):
    path = os.path.join(options["probes"], f"cuda_probe_{scenario['probe']}")
    driver = scenario["driver"]
    special = {"STUB": options.get("stub"), "REAL": options.get("real"), None: options["nothing"]}
    library_path = special[driver] if driver in special else os.path.join(options["drivers"], driver)
    if not os.path.exists(path):
        return "skipped", f"no {os.path.basename(path)}"
    if library_path is None:
        return "skipped", f"no {driver.lower()} driver library here"
    if driver is None and options["libcuda_installed"]:
        return "skipped", "this machine has a libcuda of its own"
    environment = {"LD_LIBRARY_PATH": library_path, "FAKE_CUDA": scenario["fake"], "HOME": options["home"], "LC_ALL": "C"}
    # A sanitized probe leaves signals to the scenarios through these options.
    environment.update({k: v for k, v in os.environ.items() if k in ("ASAN_OPTIONS", "UBSAN_OPTIONS")})
    # A real libcuda that runs as root would create device nodes.
    user = dict(user=65534, group=65534, extra_groups=[]) if driver == "REAL" and os.getuid() == 0 else {}
    began = time.monotonic()
    done = subprocess.run([path] + scenario["args"], env=environment, capture_output=True, timeout=60,
                          cwd=options["home"], stdin=subprocess.DEVNULL, **user)
    took = time.monotonic() - began
    problems = []
    try:
        events = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
    except ValueError as e:
        return "FAILED", f"not JSON lines: {e}\n{done.stdout!r}"
    wants = scenario["wants"]
    if scenario["needs_cubins"] and events and events[0].get("cubins") == 0:
        return "skipped", "the probe was built without ptxas"
    cubins = events and events[0].get("cubins", 0) > 0
    if any(isinstance(w, str) for w in wants):  # "cubin sm_80"
        wants = [{"event": "device_done", "ok": True, "image": w.split()[1]} for w in wants]
        scenario = dict(scenario, wants=wants)
    problems += check_order(wants if cubins else without_cubins(scenario), events)
    problems += [f"this must not happen: {e}" for e in events for n in scenario["never"] if matches(n, e)]
    if not events or events[0].get("event") != "start" or events[-1].get("event") != "end":
        problems.append("the first event is not start, or the last is not end")
    elif not matches(scenario["end"], events[-1]):
        problems.append(f"the end should be {scenario['end']}")
    if done.returncode != scenario["code"]:
        problems.append(f"exit status {done.returncode}, not {scenario['code']}")
    if done.stderr:
        problems.append(f"it wrote to stderr: {done.stderr!r}")
    if any("never freed" in e.get("text", "") for e in events):
        problems.append("it left device memory allocated")
    if max((len(line) for line in done.stdout.splitlines()), default=0) >= 4096:
        problems.append("a line is longer than 4096 bytes")
    if took > scenario["within"]:
        problems.append(f"it took {took:.1f} s")
    if os.listdir(options["home"]):
        problems.append(f"it left files behind: {os.listdir(options['home'])}")
    if not problems:
        return "ok", ""
    return "FAILED", "\n".join(problems) + "\n" + done.stdout.decode("utf-8", "replace")


def main(argv):
    options = {"probes": os.path.abspath(argv[0]), "drivers": os.path.abspath(argv[1])}
    options.update(zip((a.removeprefix("--") for a in argv[2::2]), argv[3::2]))
    installed = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True,
                               env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"}).stdout
    options["libcuda_installed"] = "libcuda.so.1 " in installed
    # Crashes must leave no core file, also when the limit of the caller would allow one.
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    counts = {"ok": 0, "FAILED": 0, "skipped": 0}
    with tempfile.TemporaryDirectory() as work:
        options["home"], options["nothing"] = os.path.join(work, "home"), os.path.join(work, "nothing")
        os.mkdir(options["home"])
        os.mkdir(options["nothing"])
        os.chmod(work, 0o755)
        for scenario in SCENARIOS:
            if options.get("only", "") not in scenario["name"]:
                continue
            result, why = run(scenario, options)
            counts[result] += 1
            print(f"{result:8} {scenario['name']}" + (f": {why}" if why else ""), flush=True)
    print(f"{counts['ok']} passed, {counts['FAILED']} failed, {counts['skipped']} skipped")
    return 1 if counts["FAILED"] or not counts["ok"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
