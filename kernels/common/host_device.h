// Functions marked INPAINT_HD are compiled for the host and, under nvcc, for the device as well, so
// that a CPU test runs the very arithmetic that the GPU kernels run.
#pragma once

#if defined(__CUDACC__)
#define INPAINT_HD __host__ __device__ __forceinline__
#else
#define INPAINT_HD inline
#endif
