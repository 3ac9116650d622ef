// The CPU scan's C interface under calls of all sorts: shapes, types, null pointers, tensors that
// overlap, instruction sets, threads.
//
// A call is refused, writing nothing and saying why, or its output is written whole. Memory has
// just the size that a shape says, so that a sanitizer sees what is beside it.
#include <algorithm>
#include <cstring>
#include <memory>

#include "fuzzing.h"

namespace {

constexpr double kMost = 1 << 16;  // bytes of a tensor that is given memory
constexpr unsigned char kUntouched = 0x5a;

int64_t bytes_of(int32_t dtype) {
  const int64_t sizes[] = {4, 2, 2, 8};
  return dtype >= 0 && dtype < 4 ? sizes[dtype] : 8;
}

// A tensor whose memory is of its own, or another's.
struct Tensor {
  inpaint_scan_tensor view;
  int64_t shape[8] = {};
  std::unique_ptr<unsigned char[]> memory;
  size_t bytes = 0;
  bool fits = true;  // its shape is one that memory could be had for here

  Tensor(Input* input, std::vector<int64_t> usual, int32_t usual_dtype) {
    int32_t rank = static_cast<int32_t>(usual.size());
    int32_t dtype = usual_dtype;
    if (input->once_in(32)) rank = input->byte() % 9 - 1;
    if (input->once_in(16)) dtype = input->byte() % 7 - 1;
    double total = static_cast<double>(bytes_of(dtype));  // exact as long as it fits
    for (int32_t i = 0; i < rank; ++i) {
      shape[i] = input->size(i < static_cast<int32_t>(usual.size()) ? usual[i] : 1);
      total *= static_cast<double>(std::max<int64_t>(shape[i], 0));
    }
    view = {nullptr, shape, rank, dtype};
    fits = total <= kMost;
    bytes = fits ? static_cast<size_t>(total) : 0;
    memory.reset(new unsigned char[bytes]);
    std::memset(memory.get(), kUntouched, bytes);
    if (bytes > 0 && !input->once_in(32)) view.data = memory.get();
    if (input->once_in(64)) view.shape = nullptr;
  }

  void fill(Input* input) {
    std::minstd_rand random(input->byte());
    for (size_t i = 0; i < bytes; ++i) memory[i] = static_cast<unsigned char>(random());
  }

  bool untouched() const {
    return std::all_of(memory.get(), memory.get() + bytes,
                       [](unsigned char value) { return value == kUntouched; });
  }
};

void run_here(void*, inpaint_scan_task task, size_t count, void* data) {
  for (size_t i = count; i-- > 0;) task(data, i);
}

void check_status(int32_t status, const std::vector<const Tensor*>& outputs) {
  REQUIRE(status >= INPAINT_SCAN_OK && status < INPAINT_SCAN_ERROR_MEMORY);
  if (status == INPAINT_SCAN_OK) return;
  REQUIRE(inpaint_scan_last_error()[0] != '\0');
  for (const Tensor* output : outputs) REQUIRE(output->untouched());
}

}  // namespace

void try_one(const uint8_t* data, size_t size) {
  Input input(data, size);
  const bool backward = input.once_in(2);
  const int32_t dtype = input.byte() % 4;
  const int32_t parameter_dtype = input.once_in(2) ? dtype : 0;
  const int64_t n = input.byte() % 3;
  const int64_t c = input.byte() % 5;
  const int64_t h = input.byte() % 40;
  const int64_t w = input.byte() % 40;

  inpaint_scan_options options = {};
  options.threads = input.once_in(16) ? -1 : input.byte() % 4;
  if (input.once_in(3)) options.parallel_for = run_here;
  const int isa = input.byte() % 5;
  if (isa > 0) options.isa = inpaint_scan_isa_name(isa - 1);  // null past the last
  if (input.once_in(32)) options.isa = "none";
  const inpaint_scan_options* given = input.once_in(16) ? nullptr : &options;

  const std::vector<int64_t> image = {n, c, h, w}, four = {n, 4 * c, h, w}, parameters = {4, c};
  Tensor weight(&input, parameters, parameter_dtype);
  weight.fill(&input);
  if (!backward) {
    Tensor x(&input, image, dtype), bias(&input, parameters, parameter_dtype);
    Tensor out(&input, four, dtype);
    x.fill(&input);
    bias.fill(&input);
    const bool overlaps = input.once_in(16) && out.view.data != nullptr && x.bytes <= out.bytes;
    if (overlaps) x.view.data = out.view.data;
    // Memory that a shape promises and is not there is the caller's fault, not one to be refused.
    if (!(x.fits && weight.fits && bias.fits && out.fits)) {
      for (Tensor* tensor : {&x, &weight, &bias, &out}) tensor->view.data = nullptr;
    }
    const int32_t status =
        inpaint_scan_forward(&x.view, &weight.view, &bias.view, &out.view, given);
    check_status(status, {&out});
    if (overlaps && x.bytes > 0 && out.view.data != nullptr) REQUIRE(status != INPAINT_SCAN_OK);
    return;
  }
  Tensor out(&input, four, dtype), grad_out(&input, four, dtype);
  Tensor grad_x(&input, image, dtype), grad_weight(&input, parameters, parameter_dtype);
  Tensor grad_bias(&input, parameters, parameter_dtype);
  out.fill(&input);
  grad_out.fill(&input);
  const bool overlaps =
      input.once_in(16) && grad_x.view.data != nullptr && out.bytes >= grad_x.bytes;
  if (overlaps) grad_x.view.data = out.view.data;
  std::vector<Tensor*> all = {&weight, &out, &grad_out, &grad_x, &grad_weight, &grad_bias};
  if (!std::all_of(all.begin(), all.end(), [](const Tensor* t) { return t->fits; })) {
    for (Tensor* tensor : all) tensor->view.data = nullptr;
  }
  const int32_t status =
      inpaint_scan_backward(&weight.view, &out.view, &grad_out.view, &grad_x.view,
                            &grad_weight.view, &grad_bias.view, given);
  check_status(status, {&grad_x, &grad_weight, &grad_bias});
}
