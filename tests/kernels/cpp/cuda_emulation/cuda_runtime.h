// Runs CUDA kernels on the CPU, so that their indexing, barriers and arithmetic are tested where
// there is no GPU. Stands in for CUDA's header of this name: a source file compiled as C++ with
// this folder first on the include path, and this header included first, gets the keywords and the
// few runtime functions that the scan uses.
//
// One block at a time, each thread a fiber that runs until it meets a barrier. The order in which
// ready threads are taken and the moment at which asynchronous copies land can be set, so that a
// missing barrier or wait changes the result in one setting or another:
//
//     CUDA_EMULATION_ORDER=forward|backward|shuffled     default: forward
//     CUDA_EMULATION_COPIES=late|early                   default: late, when waited for
//
// Shared memory is poisoned before each block.
// What only a real device shows, memory ordering between warps and timing, it cannot test.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#define CUDA_EMULATION 1
#define __global__
#define __device__
#define __host__
#define __shared__
#define __forceinline__ inline
#define __align__(n) __attribute__((aligned(n)))
#define __launch_bounds__(...)

struct uint2 {
  unsigned x, y;
} __attribute__((aligned(8)));
struct uint4 {
  unsigned x, y, z, w;
} __attribute__((aligned(16)));
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

struct dim3 {
  unsigned x, y, z;
  dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

namespace emulation {

constexpr std::size_t kSharedBytes = 227 * 1024;
constexpr std::size_t kStackBytes = 64 * 1024;
constexpr int kWarpSize = 32;

enum class Order { kForward, kBackward, kShuffled };
enum class State { kReady, kAtWarpBarrier, kAtBlockBarrier, kDone };

struct Copy {
  void* to;
  const void* from;
  std::size_t bytes;
};

struct Fiber {
  ucontext_t context;
  State state = State::kReady;
  std::vector<std::vector<Copy>> committed;  // oldest first
  std::vector<Copy> issued;                  // not committed yet
};

inline bool environment_says(const char* name, const char* value) {
  const char* said = std::getenv(name);
  return said != nullptr && std::strcmp(said, value) == 0;
}

struct Machine {
  Order order = environment_says("CUDA_EMULATION_ORDER", "backward")   ? Order::kBackward
                : environment_says("CUDA_EMULATION_ORDER", "shuffled") ? Order::kShuffled
                                                                       : Order::kForward;
  bool late_copies = !environment_says("CUDA_EMULATION_COPIES", "early");
  long launches = 0;
  std::vector<Fiber> fibers;
  std::unique_ptr<char[]> stacks;
  std::size_t stack_count = 0;
  ucontext_t scheduler;
  unsigned thread = 0;
  std::uint64_t exchange[kWarpSize * 64] = {};
  std::function<void()> body;
};

inline Machine machine;
inline dim3 thread_index, block_index, block_extent, grid_extent;

[[noreturn]] inline void fail(const char* what) {
  std::fprintf(stderr, "CUDA emulation: %s (block %u, thread %u)\n", what, block_index.x,
               machine.thread);
  std::abort();
}

inline void wait_as(State state) {
  Fiber& self = machine.fibers[machine.thread];
  self.state = state;
  swapcontext(&self.context, &machine.scheduler);
}

inline void run_fiber() {
  machine.body();
  machine.fibers[machine.thread].state = State::kDone;
  swapcontext(&machine.fibers[machine.thread].context, &machine.scheduler);
}

inline bool release(std::size_t from, std::size_t to, State barrier, bool exited_count) {
  bool any = false;
  for (std::size_t t = from; t < to; ++t) {
    const State state = machine.fibers[t].state;
    if (state == State::kDone && exited_count) continue;
    if (state != barrier) return false;
    any = true;
  }
  for (std::size_t t = from; t < to && any; ++t) {
    if (machine.fibers[t].state == barrier) machine.fibers[t].state = State::kReady;
  }
  return any;
}

inline void run_block(unsigned threads) {
  machine.fibers.clear();
  machine.fibers.resize(threads);
  if (machine.stack_count < threads) {
    machine.stacks.reset(new char[threads * kStackBytes]);
    machine.stack_count = threads;
  }
  for (unsigned t = 0; t < threads; ++t) {
    ucontext_t& context = machine.fibers[t].context;
    getcontext(&context);
    context.uc_stack.ss_sp = machine.stacks.get() + t * kStackBytes;
    context.uc_stack.ss_size = kStackBytes;
    context.uc_link = nullptr;
    makecontext(&context, run_fiber, 0);
  }
  std::vector<unsigned> order(threads);
  for (unsigned t = 0; t < threads; ++t) {
    order[t] = machine.order == Order::kBackward ? threads - 1 - t : t;
  }
  static std::mt19937 shuffle(7);
  for (;;) {
    if (machine.order == Order::kShuffled) {
      for (unsigned t = threads; t > 1; --t) std::swap(order[t - 1], order[shuffle() % t]);
    }
    bool all_done = true;
    for (unsigned t : order) {
      if (machine.fibers[t].state == State::kReady) {
        machine.thread = t;
        thread_index.x = t;
        swapcontext(&machine.scheduler, &machine.fibers[t].context);
      }
      all_done = all_done && machine.fibers[t].state == State::kDone;
    }
    if (all_done) return;
    bool released = false;
    for (unsigned warp = 0; warp < threads; warp += kWarpSize) {
      const std::size_t end = warp + kWarpSize < threads ? warp + kWarpSize : threads;
      released = release(warp, end, State::kAtWarpBarrier, false) || released;
    }
    if (!released && !release(0, threads, State::kAtBlockBarrier, true)) {
      fail("deadlock: threads wait at barriers that the others do not reach");
    }
  }
}

inline void land(const std::vector<Copy>& copies) {
  for (const Copy& copy : copies) std::memcpy(copy.to, copy.from, copy.bytes);
}

}  // namespace emulation

#define threadIdx emulation::thread_index
#define blockIdx emulation::block_index
#define blockDim emulation::block_extent
#define gridDim emulation::grid_extent

inline void __syncthreads() { emulation::wait_as(emulation::State::kAtBlockBarrier); }

inline void __syncwarp(unsigned = 0xffffffffu) {
  emulation::wait_as(emulation::State::kAtWarpBarrier);
}

template <class T>
T __shfl_sync(unsigned mask, T value, int source) {
  static_assert(sizeof(T) <= sizeof(std::uint64_t), "shuffles move at most 8 bytes");
  if (mask != 0xffffffffu) emulation::fail("only full-warp shuffles are emulated");
  const unsigned warp = threadIdx.x / emulation::kWarpSize;
  std::uint64_t* slots = emulation::machine.exchange + warp * emulation::kWarpSize;
  std::memcpy(&slots[threadIdx.x % emulation::kWarpSize], &value, sizeof(T));
  __syncwarp();
  T result;
  std::memcpy(&result, &slots[source % emulation::kWarpSize], sizeof(T));
  __syncwarp();
  return result;
}

template <class T>
T __ldg(const T* from) {
  if (reinterpret_cast<std::uintptr_t>(from) % alignof(T) != 0) emulation::fail("misaligned load");
  return *from;
}

template <class T>
void __stcs(T* to, T value) {
  if (reinterpret_cast<std::uintptr_t>(to) % alignof(T) != 0) emulation::fail("misaligned store");
  *to = value;
}

inline void __pipeline_memcpy_async(void* to, const void* from, std::size_t bytes) {
  const auto bits = reinterpret_cast<std::uintptr_t>(to) | reinterpret_cast<std::uintptr_t>(from);
  if (bytes != 4 && bytes != 8 && bytes != 16) emulation::fail("asynchronous copy of a bad size");
  if (bits % bytes != 0) emulation::fail("misaligned asynchronous copy");
  if (emulation::machine.late_copies) {
    emulation::machine.fibers[emulation::machine.thread].issued.push_back({to, from, bytes});
  } else {
    std::memcpy(to, from, bytes);
  }
}

inline void __pipeline_commit() {
  emulation::Fiber& self = emulation::machine.fibers[emulation::machine.thread];
  self.committed.push_back(std::move(self.issued));
  self.issued.clear();
}

inline void __pipeline_wait_prior(std::size_t unfinished) {
  emulation::Fiber& self = emulation::machine.fibers[emulation::machine.thread];
  while (self.committed.size() > unfinished) {
    emulation::land(self.committed.front());
    self.committed.erase(self.committed.begin());
  }
}

// The dynamic shared memory of inpaint::scan's kernels, which they declare extern.
namespace inpaint {
namespace scan {
inline __attribute__((aligned(128))) unsigned char scan_shared[emulation::kSharedBytes];
}  // namespace scan
}  // namespace inpaint

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorMisalignedAddress = 716
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2 };
enum cudaDeviceAttr { cudaDevAttrMultiProcessorCount = 16 };
using cudaStream_t = struct CUstream_st*;
struct cudaDeviceProp {
  char name[256];
  int major, minor, multiProcessorCount;
};

template <class Params>
cudaError_t cudaLaunchKernel(void (*kernel)(Params), dim3 grid, dim3 block, void** arguments,
                             std::size_t shared_bytes, cudaStream_t) {
  if (grid.x == 0 || block.x == 0 || block.x > 1024 || shared_bytes > 48 * 1024) {
    return cudaErrorInvalidConfiguration;
  }
  ++emulation::machine.launches;
  const Params params = *static_cast<Params*>(arguments[0]);
  emulation::machine.body = [&] { kernel(params); };
  emulation::block_extent = block;
  emulation::grid_extent = grid;
  unsigned char* shared = inpaint::scan::scan_shared;
#if defined(__SANITIZE_ADDRESS__)
  ASAN_POISON_MEMORY_REGION(shared + shared_bytes, emulation::kSharedBytes - shared_bytes);
#endif
  for (unsigned b = 0; b < grid.x; ++b) {
    emulation::block_index.x = b;
    std::memset(shared, 0xff, shared_bytes);
    emulation::run_block(block.x);
  }
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(shared, emulation::kSharedBytes);
#endif
  return cudaSuccess;
}

inline const char* cudaGetErrorName(cudaError_t error) {
  return error == cudaSuccess ? "cudaSuccess" : "cudaError";
}
inline const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaSuccess ? "no error" : "an error of the emulation";
}
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }
inline cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int) {
  *value = 1;
  return cudaSuccess;
}
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  std::snprintf(properties->name, sizeof(properties->name), "CPU emulation");
  properties->major = properties->minor = 0;
  properties->multiProcessorCount = 1;
  return cudaSuccess;
}
template <class T>
cudaError_t cudaMalloc(T** pointer, std::size_t bytes) {
  *pointer = static_cast<T*>(std::malloc(bytes));
  return cudaSuccess;
}
inline cudaError_t cudaFree(void* pointer) {
  std::free(pointer);
  return cudaSuccess;
}
inline cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind) {
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}
inline cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
  std::memset(to, value, bytes);
  return cudaSuccess;
}
inline cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t) {
  return cudaMemset(to, value, bytes);
}
