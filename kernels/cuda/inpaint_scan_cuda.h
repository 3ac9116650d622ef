/* DirectionalScan on CUDA devices: the C interface.
 *
 * For X [N, C, H, W] and, for each direction d of up, right, down, left, along its lines:
 *
 *     h[0] = relu(x[0])
 *     h[i] = relu(w[d, c] * h[i-1] + b[d, c] + x[i])        i > 0
 *
 * Y is [N, 4C, H, W], the four maps in that order on the channel axis. Tensors are contiguous and
 * lie in device memory. The state is fp32 whatever the storage type.
 *
 * Every function returns a status and writes nothing through its pointers unless that is OK, save
 * for what a failing CUDA call had begun. Calls are asynchronous on the given stream, need no lock,
 * allocate nothing and can be captured in a CUDA graph. They use the calling thread's device.
 */
#ifndef INPAINT_SCAN_CUDA_H_
#define INPAINT_SCAN_CUDA_H_

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#if defined(INPAINT_SCAN_CUDA_BUILD)
#define INPAINT_SCAN_CUDA_API __declspec(dllexport)
#else
#define INPAINT_SCAN_CUDA_API
#endif
#else
#define INPAINT_SCAN_CUDA_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum inpaint_scan_cuda_status {
  INPAINT_SCAN_CUDA_OK = 0,
  INPAINT_SCAN_CUDA_NULL_POINTER = 1,    /* a pointer is null and its tensor is not empty */
  INPAINT_SCAN_CUDA_BAD_SHAPE = 2,       /* an extent is negative */
  INPAINT_SCAN_CUDA_TOO_LARGE = 3,       /* an index, a byte count or the grid would overflow */
  INPAINT_SCAN_CUDA_BAD_DTYPE = 4,       /* not one of those below, or weights of a third type */
  INPAINT_SCAN_CUDA_BAD_STRATEGY = 5,    /* not one of those below */
  INPAINT_SCAN_CUDA_MISALIGNED = 6,      /* a pointer is not a multiple of its element's size */
  INPAINT_SCAN_CUDA_SMALL_WORKSPACE = 7, /* fewer bytes than inpaint_scan_cuda_workspace says */
  INPAINT_SCAN_CUDA_RUNTIME_ERROR = 8    /* CUDA failed: see inpaint_scan_cuda_last_error */
} inpaint_scan_cuda_status;

typedef enum inpaint_scan_cuda_dtype {
  INPAINT_SCAN_CUDA_FLOAT32 = 0,
  INPAINT_SCAN_CUDA_FLOAT16 = 1,
  INPAINT_SCAN_CUDA_BFLOAT16 = 2
} inpaint_scan_cuda_dtype;

typedef enum inpaint_scan_cuda_strategy {
  INPAINT_SCAN_CUDA_AUTO = 0,      /* by shape and device */
  INPAINT_SCAN_CUDA_STREAMING = 1, /* a thread walks a line */
  INPAINT_SCAN_CUDA_CHUNKED = 2    /* warps share a line by composing clamps */
} inpaint_scan_cuda_strategy;

typedef struct inpaint_scan_cuda_problem {
  int64_t n;
  int64_t c;
  int64_t h;
  int64_t w;
  int32_t dtype;           /* of X and Y and their gradients */
  int32_t parameter_dtype; /* of weight and bias: the same, or FLOAT32 */
  int32_t strategy;
} inpaint_scan_cuda_problem;

/* One kernel launch. x and y must not overlap. stream is a cudaStream_t. */
INPAINT_SCAN_CUDA_API int inpaint_scan_cuda_forward(const inpaint_scan_cuda_problem* problem,
                                                    const void* x, const void* weight,
                                                    const void* bias, void* y, void* stream);

/* How many bytes of device memory the backward pass works in. */
INPAINT_SCAN_CUDA_API int inpaint_scan_cuda_workspace(const inpaint_scan_cuda_problem* problem,
                                                      size_t* bytes);

/* y is what the forward pass wrote, grad_y its gradient. grad_x has X's type; grad_weight and
 * grad_bias are fp32 [4, C] whatever the types. The result is the same every time: no atomics.
 * workspace must be a multiple of 4. Nothing written may overlap anything read. */
INPAINT_SCAN_CUDA_API int inpaint_scan_cuda_backward(const inpaint_scan_cuda_problem* problem,
                                                     const void* y, const void* grad_y,
                                                     const void* weight, void* grad_x,
                                                     float* grad_weight, float* grad_bias,
                                                     void* workspace, size_t workspace_bytes,
                                                     void* stream);

/* What a status means, in a static string. */
INPAINT_SCAN_CUDA_API const char* inpaint_scan_cuda_status_text(int status);

/* CUDA's own words for this thread's last RUNTIME_ERROR, or an empty string. */
INPAINT_SCAN_CUDA_API const char* inpaint_scan_cuda_last_error(void);

#ifdef __cplusplus
}
#endif

#endif /* INPAINT_SCAN_CUDA_H_ */
