// The C interface: checks what it is given, cuts it into tasks, runs them.
#include <cstring>
#include <exception>
#include <initializer_list>
#include <memory>
#include <new>
#include <vector>

#include "check.h"
#include "inpaint_scan.h"
#include "parallel.h"
#include "parameters.h"
#include "plan.h"
#include "plane.h"

namespace inpaint {
namespace {
// Outputs of at least this many bytes will not stay in the caches for whoever reads them next;
// writing around the caches then saves reading each line before it is written.
constexpr int64_t kStreamBytes = int64_t{16} << 20;

// Below this many elements a second thread costs more than it saves.
constexpr int64_t kSerialElements = int64_t{1} << 15;

// All instruction sets of this build that this machine has, best first.
const std::vector<const Kernels*>& available_kernels() {
  static const std::vector<const Kernels*> available = [] {
    std::vector<const Kernels*> found;
    for (const Kernels* kernels :
         {kernels_avx512(), kernels_avx2(), kernels_neon(), kernels_portable()}) {
      if (kernels != nullptr) found.push_back(kernels);
    }
    return found;
  }();
  return available;
}

const Kernels& choose_kernels(const char* isa) {
  if (isa == nullptr) return *available_kernels().front();
  for (const Kernels* kernels : available_kernels()) {
    if (std::strcmp(kernels->name, isa) == 0) return *kernels;
  }
  refuse(INPAINT_SCAN_ERROR_OPTION, "isa: this machine or this build does not have '%s'", isa);
}

inpaint_scan_options checked(const inpaint_scan_options* options) {
  if (options == nullptr) return inpaint_scan_options{};
  if (options->threads < 0) {
    refuse(INPAINT_SCAN_ERROR_OPTION, "threads: is %d, needs 0 or more", options->threads);
  }
  return *options;
}

// Where an element of a tensor lies. The kernels only read what their callers only lend.
char* at(const inpaint_scan_tensor* tensor, int64_t element) {
  return static_cast<char*>(tensor->data) +
         element * static_cast<int64_t>(dtype_bytes(tensor->dtype));
}

// One thread, this one, where more would not pay.
inpaint_scan_options suited(inpaint_scan_options options, const Sizes& sizes) {
  if (sizes.planes() * sizes.plane() < kSerialElements) {
    options.threads = 1;
    options.parallel_for = nullptr;
  }
  return options;
}

bool should_stream(const inpaint_scan_tensor* out, const Sizes& sizes) {
  const int64_t row_bytes = sizes.w * static_cast<int64_t>(dtype_bytes(out->dtype));
  const int64_t bytes = kDirections * sizes.planes() * sizes.h * row_bytes;
  const bool aligned =
      reinterpret_cast<uintptr_t>(out->data) % kLineBytes == 0 && row_bytes % kLineBytes == 0;
  return aligned && bytes >= kStreamBytes;
}

void run_forward(const inpaint_scan_tensor* x, const inpaint_scan_tensor* weight,
                 const inpaint_scan_tensor* bias, const inpaint_scan_tensor* out,
                 const inpaint_scan_options* given) {
  const inpaint_scan_options asked = checked(given);
  const Kernels& kernels = choose_kernels(asked.isa);
  const Sizes sizes = check_image("x", x, 1);
  check_parameter("weight", weight, sizes, x->dtype);
  check_parameter("bias", bias, sizes, x->dtype);
  check_same_dtype("bias", bias, "weight", weight);
  check_like("out", out, kDirections, sizes, x->dtype);
  check_no_overlap("out", out, "x", x);
  check_no_overlap("out", out, "weight", weight);
  check_no_overlap("out", out, "bias", bias);
  if (sizes.empty()) return;

  const inpaint_scan_options options = suited(asked, sizes);
  const int threads = thread_count(options);
  // Some tasks more than threads even out what disturbs them.
  const Plan plan(sizes, threads == 1 ? 1 : int64_t{4} * threads);
  const std::vector<double> weights = read_parameter(weight);
  const std::vector<double> biases = read_parameter(bias);
  const bool stream = should_stream(out, sizes);

  run_tasks(options, plan.tasks(), [&](size_t index) {
    ForwardTask task;
    task.part = plan.part(index);
    task.x = at(x, plan.offset(index));
    task.stream = stream;
    for (int d = 0; d < kDirections; ++d) {
      task.out[d] = at(out, plan.offset(index, d));
      task.weight[d] = weights[plan.parameter(index, d)];
      task.bias[d] = biases[plan.parameter(index, d)];
    }
    kernels.forward[x->dtype](task);
  });
}

struct BackwardTensors {
  const inpaint_scan_tensor *weight, *out, *grad_out;           // read
  const inpaint_scan_tensor *grad_x, *grad_weight, *grad_bias;  // written
};

Sizes check_backward(const BackwardTensors& t) {
  const Sizes sizes = check_image("out", t.out, kDirections);
  const int32_t dtype = t.out->dtype;
  check_parameter("weight", t.weight, sizes, dtype);
  check_like("grad_out", t.grad_out, kDirections, sizes, dtype);
  check_like("grad_x", t.grad_x, 1, sizes, dtype);
  check_parameter("grad_weight", t.grad_weight, sizes, dtype);
  check_parameter("grad_bias", t.grad_bias, sizes, dtype);
  check_same_dtype("grad_weight", t.grad_weight, "weight", t.weight);
  check_same_dtype("grad_bias", t.grad_bias, "weight", t.weight);
  struct Named {
    const char* name;
    const inpaint_scan_tensor* tensor;
  };
  const Named inputs[] = {{"weight", t.weight}, {"out", t.out}, {"grad_out", t.grad_out}};
  const Named outputs[] = {
      {"grad_x", t.grad_x}, {"grad_weight", t.grad_weight}, {"grad_bias", t.grad_bias}};
  for (const Named& output : outputs) {
    for (const Named& input : inputs) {
      check_no_overlap(output.name, output.tensor, input.name, input.tensor);
    }
    for (const Named* other = outputs; other != &output; ++other) {
      check_no_overlap(output.name, output.tensor, other->name, other->tensor);
    }
  }
  return sizes;
}

// What a backward pass's tasks share.
class Backward {
 public:
  Backward(const BackwardTensors& tensors, const Sizes& sizes, const Kernels& kernels)
      : tensors_(tensors),
        dtype_(tensors.out->dtype),
        kernels_(kernels),
        plane_(sizes.plane()),
        plan_(sizes, kTasks),
        weights_(read_parameter(tensors.weight)),
        shares_(plan_.tasks()) {
    sums_ = static_cast<char*>(tensors.grad_x->data);
    sum_bytes_ = dtype_bytes(dtype_);
    if (kernels.narrow[dtype_] != nullptr) {
      wide_.reset(new float[static_cast<size_t>(sizes.planes() * plane_)]);
      sums_ = reinterpret_cast<char*>(wide_.get());
      sum_bytes_ = sizeof(float);
    }
    row_bytes_ = static_cast<size_t>(sizes.w) * sum_bytes_;
    states_.reset(new char[plan_.tasks() * row_bytes_]);
  }

  void run(const inpaint_scan_options& options) {
    const size_t tasks = plan_.tasks();
    if (plan_.parts() == 1) {
      run_tasks(options, tasks, [this](size_t task) {
        scan(task, plan_.part(task));
        finish(task);
      });
      return;
    }
    // One task's columns cross another's rows: first the ones, then the others.
    const size_t step = static_cast<size_t>(plan_.parts());
    run_tasks(options, tasks, [this](size_t task) {
      Part part = plan_.part(task);
      part.row_end = part.row_begin;
      scan(task, part);
    });
    run_tasks(options, tasks, [this](size_t task) {
      Part part = plan_.part(task);
      part.col_end = part.col_begin;
      scan(task, part);
    });
    run_tasks(options, tasks / step, [&](size_t plane) { finish(plane * step); });
  }

  // Adds each task's share to the parameters' gradients, always in the same order.
  void sum_parameters(std::vector<double>* grad_weight, std::vector<double>* grad_bias) const {
    for (size_t task = 0; task < shares_.size(); ++task) {
      for (int d = 0; d < kDirections; ++d) {
        (*grad_weight)[plan_.parameter(task, d)] += shares_[task].weight[d];
        (*grad_bias)[plan_.parameter(task, d)] += shares_[task].bias[d];
      }
    }
  }

 private:
  // Cut by size alone, so that sums do not depend on the number of threads.
  static constexpr int64_t kTasks = 32;

  struct Share {
    double weight[kDirections] = {};
    double bias[kDirections] = {};
  };

  char* sums_of(size_t task) const {
    return sums_ + static_cast<size_t>(plan_.offset(task)) * sum_bytes_;
  }

  void scan(size_t index, const Part& part) {
    BackwardTask task;
    task.part = part;
    task.grad_x = sums_of(index);
    task.state = states_.get() + index * row_bytes_;
    task.grad_weight = shares_[index].weight;
    task.grad_bias = shares_[index].bias;
    for (int d = 0; d < kDirections; ++d) {
      task.out[d] = at(tensors_.out, plan_.offset(index, d));
      task.grad_out[d] = at(tensors_.grad_out, plan_.offset(index, d));
      task.weight[d] = weights_[plan_.parameter(index, d)];
    }
    kernels_.backward[dtype_](task);
  }

  void finish(size_t task) const {
    if (!wide_) return;
    const int64_t offset = plan_.offset(task);
    kernels_.narrow[dtype_](wide_.get() + offset, at(tensors_.grad_x, offset), plane_);
  }

  const BackwardTensors& tensors_;
  int32_t dtype_;
  const Kernels& kernels_;
  int64_t plane_;
  Plan plan_;
  std::vector<double> weights_;
  std::vector<Share> shares_;
  // 16-bit gradients are summed in fp32 and rounded once.
  std::unique_ptr<float[]> wide_;
  char* sums_;
  size_t sum_bytes_;
  std::unique_ptr<char[]> states_;  // a row for each task
  size_t row_bytes_;
};

void run_backward(const BackwardTensors& tensors, const inpaint_scan_options* given) {
  const inpaint_scan_options asked = checked(given);
  const Kernels& kernels = choose_kernels(asked.isa);
  const Sizes sizes = check_backward(tensors);
  std::vector<double> grad_weight(static_cast<size_t>(kDirections * sizes.c), 0.0);
  std::vector<double> grad_bias(grad_weight.size(), 0.0);
  if (!sizes.empty()) {
    Backward backward(tensors, sizes, kernels);
    backward.run(suited(asked, sizes));
    backward.sum_parameters(&grad_weight, &grad_bias);
  }
  write_parameter(grad_weight, tensors.grad_weight);
  write_parameter(grad_bias, tensors.grad_bias);
}

// Turns what a call threw into what it returns.
template <class Call>
int32_t guard(const Call& call) {
  try {
    call();
    return INPAINT_SCAN_OK;
  } catch (const Refused& refused) {
    return refused.status;
  } catch (const std::bad_alloc&) {
    set_last_error("out of memory");
    return INPAINT_SCAN_ERROR_MEMORY;
  } catch (const std::exception& error) {
    set_last_error(error.what());
    return INPAINT_SCAN_ERROR_INTERNAL;
  } catch (...) {
    set_last_error("unknown error");
    return INPAINT_SCAN_ERROR_INTERNAL;
  }
}

}  // namespace
}  // namespace inpaint

int32_t inpaint_scan_forward(const inpaint_scan_tensor* x, const inpaint_scan_tensor* weight,
                             const inpaint_scan_tensor* bias, const inpaint_scan_tensor* out,
                             const inpaint_scan_options* options) {
  return inpaint::guard([&] { inpaint::run_forward(x, weight, bias, out, options); });
}

int32_t inpaint_scan_backward(const inpaint_scan_tensor* weight, const inpaint_scan_tensor* out,
                              const inpaint_scan_tensor* grad_out,
                              const inpaint_scan_tensor* grad_x,
                              const inpaint_scan_tensor* grad_weight,
                              const inpaint_scan_tensor* grad_bias,
                              const inpaint_scan_options* options) {
  return inpaint::guard([&] {
    inpaint::run_backward({weight, out, grad_out, grad_x, grad_weight, grad_bias}, options);
  });
}

const char* inpaint_scan_last_error(void) { return inpaint::last_error(); }

int32_t inpaint_scan_abi_version(void) { return INPAINT_SCAN_ABI_VERSION; }

const char* inpaint_scan_isa_name(int32_t index) {
  const auto& available = inpaint::available_kernels();
  if (index < 0 || static_cast<size_t>(index) >= available.size()) return nullptr;
  return available[static_cast<size_t>(index)]->name;
}
