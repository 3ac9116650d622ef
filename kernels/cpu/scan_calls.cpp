// Calls one of the CPU's kernels on one plane, for a count of its instructions:
//
//     scan_calls PASS ISA DTYPE HEIGHT WIDTH CALLS
//
// PASS: forward; columns or rows, its vertical and its horizontal half; streamed, forward around
// the caches; backward. ISA: an instruction set's name, or loop: the definition in plain C++,
// compiled like the kernels. DTYPE: fp32, fp16 or bf16. The difference of two counts is that of the
// calls.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "inpaint_scan.h"
#include "plane.h"

namespace inpaint {
namespace {
#include "half.h"

constexpr double kWeight = 0.9;
constexpr double kBias = -0.1;

[[noreturn]] void refuse(const std::string& what) {
  std::fprintf(stderr, "scan_calls: %s\n", what.c_str());
  std::exit(2);
}

const Kernels& find_kernels(const std::string& isa) {
  for (const Kernels* found :
       {kernels_avx512(), kernels_avx2(), kernels_neon(), kernels_portable()}) {
    if (found != nullptr && isa == found->name) return *found;
  }
  refuse("this machine or this build does not have '" + isa + "'");
}

// Values of a plane in memory that starts on a cache line.
template <class T>
class Plane {
 public:
  explicit Plane(int64_t count)
      : count_(count),
        values_(static_cast<T*>(std::aligned_alloc(kLineBytes, bytes(count))), &std::free) {
    std::memset(static_cast<void*>(values_.get()), 0, bytes(count));
  }

  T* get() const { return values_.get(); }

  // Of either sign, the same each time.
  void fill() {
    uint32_t random = 1;
    for (int64_t i = 0; i < count_; ++i) {
      random = random * 1664525u + 1013904223u;
      narrow(static_cast<float>(random >> 8) / 8388608.0f - 1.0f, values_.get() + i);
    }
  }

 private:
  static size_t bytes(int64_t count) {
    const size_t needed = static_cast<size_t>(count) * sizeof(T);
    return (needed + kLineBytes - 1) / kLineBytes * kLineBytes;
  }

  int64_t count_;
  std::unique_ptr<T, void (*)(void*)> values_;
};

float relu(float value) { return value < 0 ? 0 : value; }

// The definition: lines in the order in which memory has them, states of columns in a row of fp32.
template <class T>
void loop_forward(const ForwardTask& task, float* state) {
  const Part& part = task.part;
  const T* x = static_cast<const T*>(task.x);
  for (Direction d : {kUp, kDown}) {
    if (part.col_begin == part.col_end) break;
    const float weight = static_cast<float>(task.weight[d]),
                bias = static_cast<float>(task.bias[d]);
    T* out = static_cast<T*>(task.out[d]);
    for (int64_t i = 0; i < part.height; ++i) {
      const int64_t row = (d == kUp ? part.height - 1 - i : i) * part.width;
      for (int64_t col = 0; col < part.width; ++col) {
        const float value = widen(x[row + col]);
        state[col] = relu(i > 0 ? weight * state[col] + (bias + value) : value);
        narrow(state[col], out + row + col);
      }
    }
  }
  for (Direction d : {kRight, kLeft}) {
    const float weight = static_cast<float>(task.weight[d]),
                bias = static_cast<float>(task.bias[d]);
    T* out = static_cast<T*>(task.out[d]);
    for (int64_t row = part.row_begin; row < part.row_end; ++row) {
      float carried = 0;
      for (int64_t i = 0; i < part.width; ++i) {
        const int64_t at = row * part.width + (d == kLeft ? part.width - 1 - i : i);
        const float value = widen(x[at]);
        carried = relu(i > 0 ? weight * carried + (bias + value) : value);
        narrow(carried, out + at);
      }
    }
  }
}

template <class T>
void call(const std::string& pass, const std::string& isa, int32_t dtype, int64_t height,
          int64_t width, int calls) {
  const int64_t count = height * width;
  Plane<T> x(count),
      out[kDirections] = {Plane<T>(count), Plane<T>(count), Plane<T>(count), Plane<T>(count)};
  Plane<float> state(width), grad_x(count);
  x.fill();
  Part part = {height, width, 0, height, 0, width};
  if (pass == "columns") part.row_end = 0;
  if (pass == "rows") part.col_end = 0;

  if (pass == "backward") {
    if (isa == "loop") refuse("the loop has no backward");
    double grad_weight[kDirections] = {}, grad_bias[kDirections] = {};
    BackwardTask task = {part, {}, {}, grad_x.get(), {}, state.get(), grad_weight, grad_bias};
    for (int d = 0; d < kDirections; ++d) {
      out[d].fill();
      task.out[d] = task.grad_out[d] = out[d].get();
      task.weight[d] = kWeight;
    }
    const Kernels& kernels = find_kernels(isa);
    for (int i = 0; i < calls; ++i) kernels.backward[dtype](task);
    return;
  }
  if (pass != "forward" && pass != "columns" && pass != "rows" && pass != "streamed") {
    refuse("there is no pass '" + pass + "'");
  }
  ForwardTask task = {part, x.get(), {}, {}, {}, pass == "streamed"};
  for (int d = 0; d < kDirections; ++d) {
    task.out[d] = out[d].get();
    task.weight[d] = kWeight;
    task.bias[d] = kBias;
  }
  if (isa == "loop") {
    for (int i = 0; i < calls; ++i) loop_forward<T>(task, state.get());
  } else {
    const Kernels& kernels = find_kernels(isa);
    for (int i = 0; i < calls; ++i) kernels.forward[dtype](task);
  }
}

}  // namespace
}  // namespace inpaint

int main(int count, char** words) {
  using namespace inpaint;
  if (count != 7) refuse("give PASS ISA DTYPE HEIGHT WIDTH CALLS");
  const std::string pass = words[1], isa = words[2], dtype = words[3];
  const int64_t height = std::atoll(words[4]), width = std::atoll(words[5]);
  const int calls = std::atoi(words[6]);
  if (height < 1 || width < 1 || calls < 1) refuse("HEIGHT, WIDTH and CALLS are 1 or more");
  if (dtype == "fp32") {
    call<float>(pass, isa, INPAINT_SCAN_FLOAT32, height, width, calls);
  } else if (dtype == "fp16") {
    call<Half>(pass, isa, INPAINT_SCAN_FLOAT16, height, width, calls);
  } else if (dtype == "bf16") {
    call<Bfloat>(pass, isa, INPAINT_SCAN_BFLOAT16, height, width, calls);
  } else {
    refuse("there is no type '" + dtype + "'");
  }
  return 0;
}
