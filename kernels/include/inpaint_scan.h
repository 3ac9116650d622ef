/* DirectionalScan on the CPU: the C interface.
 *
 * For x [N, C, H, W], weight and bias [4, C], and each direction d along its lines:
 *
 *     h[0] = relu(x[0])
 *     h[i] = relu(w[d, c] * h[i-1] + (b[d, c] + x[i]))        i > 0
 *
 * Directions, and rows of weight and bias, are in the order up, right, down, left: `up` runs from
 * the last row to the first, `right` from the first column to the last. The result is
 * [N, 4C, H, W], direction outermost on the channel axis. The state h is fp32 whatever the storage
 * type (fp64 for fp64). relu keeps NaN, as torch.relu does.
 *
 * Every function is thread safe and throws nothing. A call that is refused writes nothing.
 */
#ifndef INPAINT_SCAN_H_
#define INPAINT_SCAN_H_

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define INPAINT_SCAN_API __declspec(dllexport)
#else
#define INPAINT_SCAN_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Grows when a struct or a function below changes or is added; a binding checks it when it loads.
 */
#define INPAINT_SCAN_ABI_VERSION 2

typedef enum {
  INPAINT_SCAN_OK = 0,
  INPAINT_SCAN_ERROR_NULL = 1,     /* a pointer that is needed is null */
  INPAINT_SCAN_ERROR_DTYPE = 2,    /* a dtype that does not exist or does not belong here */
  INPAINT_SCAN_ERROR_SHAPE = 3,    /* wrong rank, negative size, sizes that do not agree */
  INPAINT_SCAN_ERROR_OVERFLOW = 4, /* more bytes than can be addressed */
  INPAINT_SCAN_ERROR_OVERLAP = 5,  /* an output shares memory with another tensor */
  INPAINT_SCAN_ERROR_OPTION = 6,   /* an option's value is not one that exists */
  INPAINT_SCAN_ERROR_MEMORY = 7,   /* an allocation failed; outputs are undefined */
  INPAINT_SCAN_ERROR_INTERNAL = 8  /* anything else; outputs are undefined */
} inpaint_scan_status;

typedef enum {
  INPAINT_SCAN_FLOAT32 = 0,
  INPAINT_SCAN_FLOAT16 = 1,
  INPAINT_SCAN_BFLOAT16 = 2,
  INPAINT_SCAN_FLOAT64 = 3 /* for checking gradients; not tuned */
} inpaint_scan_dtype;

/* A dense, row-major tensor. `data` may be null only where the tensor is empty. */
typedef struct {
  void* data;
  const int64_t* shape;
  int32_t rank;
  int32_t dtype; /* inpaint_scan_dtype */
} inpaint_scan_tensor;

/* Calls task(task_data, i) once for each i in [0, count), in any order, on any threads, and
 * returns when all calls have returned. */
typedef void (*inpaint_scan_task)(void* task_data, size_t index);
typedef void (*inpaint_scan_parallel_for)(void* pool, inpaint_scan_task task, size_t count,
                                          void* task_data);

/* How to run. A null pointer to options, or zeros, mean the defaults. */
typedef struct {
  int32_t threads; /* threads to use, or that parallel_for has; 0: as many as there are cores */
  inpaint_scan_parallel_for parallel_for; /* null: threads of this library's own */
  void* pool;                             /* passed on to parallel_for */
  const char* isa;                        /* one of inpaint_scan_isa_name; null: the best */
} inpaint_scan_options;

/* A parallel_for on the threads of the OpenMP runtime that this process has loaded, as PyTorch has;
 * its pool is the address of an int32_t, how many of them to use, 1 or more. Threads of this
 * library's own would compete with those, which wait for their next work by spinning. Null where
 * there is no such runtime. */
INPAINT_SCAN_API inpaint_scan_parallel_for inpaint_scan_openmp_parallel_for(void);

/* out[N, 4C, H, W] = DirectionalScan(x[N, C, H, W], weight[4, C], bias[4, C]).
 *
 * x and out have one dtype; weight and bias have one dtype, that of x or fp32.
 */
INPAINT_SCAN_API int32_t inpaint_scan_forward(const inpaint_scan_tensor* x,
                                              const inpaint_scan_tensor* weight,
                                              const inpaint_scan_tensor* bias,
                                              const inpaint_scan_tensor* out,
                                              const inpaint_scan_options* options);

/* Gradients of a scalar with respect to x, weight and bias.
 *
 * `out` is what forward wrote, `grad_out` the scalar's gradient with respect to it, both
 * [N, 4C, H, W] with the dtype of grad_x [N, C, H, W]. weight [4, C] is as in forward; grad_weight
 * and grad_bias [4, C] have its dtype. relu's gradient is 1 where its value is NaN or above 0.
 * Sums run in an order that depends on sizes and `threads`, never on timing.
 */
INPAINT_SCAN_API int32_t inpaint_scan_backward(const inpaint_scan_tensor* weight,
                                               const inpaint_scan_tensor* out,
                                               const inpaint_scan_tensor* grad_out,
                                               const inpaint_scan_tensor* grad_x,
                                               const inpaint_scan_tensor* grad_weight,
                                               const inpaint_scan_tensor* grad_bias,
                                               const inpaint_scan_options* options);

/* What was wrong with this thread's last refused call; "" before the first. */
INPAINT_SCAN_API const char* inpaint_scan_last_error(void);

INPAINT_SCAN_API int32_t inpaint_scan_abi_version(void);

/* The instruction sets that this machine can run, best first; null when `index` is past the last.
 * "portable" is always among them. */
INPAINT_SCAN_API const char* inpaint_scan_isa_name(int32_t index);

#ifdef __cplusplus
}
#endif

#endif /* INPAINT_SCAN_H_ */
