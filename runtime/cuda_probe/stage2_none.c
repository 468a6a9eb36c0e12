// Stage 2 for builds without a static CUDA runtime.
#include "progress.h"

const int probe_cudart_version = 0;

bool run_runtime_stage(void) { return false; }
