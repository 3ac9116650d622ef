// What the test and benchmark programs share: device buffers with guards, storage types by number,
// random numbers, and the end of the program when CUDA fails.
#pragma once

#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "../common/dtype.h"
#include "inpaint_scan_cuda.h"

namespace inpaint {
namespace scan {

#define CHECK_CUDA(call)                                                 \
  do {                                                                   \
    const cudaError_t check_error = (call);                              \
    if (check_error != cudaSuccess) {                                    \
      std::fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, \
                   cudaGetErrorString(check_error));                     \
      std::exit(2);                                                      \
    }                                                                    \
  } while (0)

#define CHECK_SCAN(call)                                                                         \
  do {                                                                                           \
    const int check_status = (call);                                                             \
    if (check_status != INPAINT_SCAN_CUDA_OK) {                                                  \
      std::fprintf(stderr, "%s:%d: %s: %s %s\n", __FILE__, __LINE__, #call,                      \
                   inpaint_scan_cuda_status_text(check_status), inpaint_scan_cuda_last_error()); \
      std::exit(2);                                                                              \
    }                                                                                            \
  } while (0)

inline const char* dtype_name(int dtype) {
  return dtype == INPAINT_SCAN_CUDA_FLOAT32   ? "fp32"
         : dtype == INPAINT_SCAN_CUDA_FLOAT16 ? "fp16"
                                              : "bf16";
}

inline std::size_t dtype_size(int dtype) { return dtype == INPAINT_SCAN_CUDA_FLOAT32 ? 4 : 2; }

inline std::vector<unsigned char> encode(const std::vector<float>& values, int dtype) {
  std::vector<unsigned char> bytes(values.size() * dtype_size(dtype));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (dtype == INPAINT_SCAN_CUDA_FLOAT32) {
      std::memcpy(&bytes[4 * i], &values[i], 4);
    } else {
      const std::uint16_t bits = dtype == INPAINT_SCAN_CUDA_FLOAT16
                                     ? from_float<Half>(values[i]).bits
                                     : from_float<BFloat16>(values[i]).bits;
      std::memcpy(&bytes[2 * i], &bits, 2);
    }
  }
  return bytes;
}

inline std::vector<float> decode(const std::vector<unsigned char>& bytes, int dtype) {
  std::vector<float> values(bytes.size() / dtype_size(dtype));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (dtype == INPAINT_SCAN_CUDA_FLOAT32) {
      std::memcpy(&values[i], &bytes[4 * i], 4);
    } else {
      std::uint16_t bits;
      std::memcpy(&bits, &bytes[2 * i], 2);
      values[i] =
          dtype == INPAINT_SCAN_CUDA_FLOAT16 ? to_float(Half{bits}) : to_float(BFloat16{bits});
    }
  }
  return values;
}

// Device memory filled with 0xff, which is NaN in every storage type, with a guard on either side.
// `offset` moves the contents off the allocation's alignment. Where `raw` is set, nothing is filled
// and no guard is looked at: compute-sanitizer's initcheck knows what was never written only then.
class DeviceBuffer {
 public:
  static inline bool raw = false;

  explicit DeviceBuffer(std::size_t bytes, std::size_t offset = 0)
      : bytes_(bytes), begin_(kGuard + offset) {
    CHECK_CUDA(cudaMalloc(&memory_, total()));
    poison();
  }
  DeviceBuffer(const std::vector<unsigned char>& contents, std::size_t offset = 0)
      : DeviceBuffer(contents.size(), offset) {
    CHECK_CUDA(cudaMemcpy(data(), contents.data(), bytes_, cudaMemcpyHostToDevice));
  }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;
  ~DeviceBuffer() { cudaFree(memory_); }

  void poison() {
    if (!raw) CHECK_CUDA(cudaMemset(memory_, 0xff, total()));
  }
  unsigned char* data() const { return memory_ + begin_; }
  std::size_t size() const { return bytes_; }

  std::vector<unsigned char> read() const {
    std::vector<unsigned char> host(bytes_);
    CHECK_CUDA(cudaMemcpy(host.data(), data(), bytes_, cudaMemcpyDeviceToHost));
    return host;
  }

  bool guards_intact() const {
    if (raw) return true;
    std::vector<unsigned char> host(total());
    CHECK_CUDA(cudaMemcpy(host.data(), memory_, total(), cudaMemcpyDeviceToHost));
    for (std::size_t i = 0; i < host.size(); ++i) {
      if (i == begin_) i += bytes_;
      if (i < host.size() && host[i] != 0xff) return false;
    }
    return true;
  }

 private:
  static constexpr std::size_t kGuard = 256;
  std::size_t total() const { return begin_ + bytes_ + kGuard; }
  std::size_t bytes_;
  std::size_t begin_;
  unsigned char* memory_ = nullptr;
};

inline std::vector<float> random_values(std::size_t count, float low, float high,
                                        std::mt19937& generator) {
  std::uniform_real_distribution<float> distribution(low, high);
  std::vector<float> values(count);
  for (float& value : values) value = distribution(generator);
  return values;
}

// What storage in a type makes of the values.
inline std::vector<float> stored(const std::vector<float>& values, int dtype) {
  return decode(encode(values, dtype), dtype);
}

}  // namespace scan
}  // namespace inpaint
