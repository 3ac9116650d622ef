// The ONNX Runtime operator under tensors and shapes of all sorts, with a stand-in for the runtime
// whose calls may fail.
//
// A node is refused, writing nothing and saying why, or does what the C interface does; a shape is
// inferred or left open. Whatever happens, inputs stay and what the runtime lent is given back.
#include <cstring>

#include "fuzzing.h"
#include "ort_stand_in.h"

namespace inpaint::ort {
namespace {

constexpr double kMost = 1 << 16;  // bytes of a tensor

const std::vector<const CustomOp*>& operators() {
  static const SessionOptions options = [] {
    SessionOptions made;
    REQUIRE(RegisterCustomOps(&made, api_base()) == nullptr);
    return made;
  }();
  return options.domain->ops;
}

// Calls that fail while it lives: none, or one.
class Faults {
 public:
  explicit Faults(Input* input) {
    may_fail_ = input->once_in(4);
    if (may_fail_) calls_that_succeed = input->byte() % 40;
  }
  ~Faults() { calls_that_succeed = -1; }

  bool happened() const { return may_fail_ && calls_that_succeed == -1; }

 private:
  bool may_fail_;
};

void reversed(void (*task)(void*, size_t), size_t count, void* data) {
  while (count-- > 0) task(data, count);
}

// A shape that a tensor may have, and its memory; no memory where that would be too much.
Value tensor(Input* input, ElementType type, const std::vector<int64_t>& usual, bool* fits) {
  const size_t rank = input->once_in(32) ? input->byte() % 10 : usual.size();
  Value value{{type, {}, {}}, {}};
  double total = static_cast<double>(bytes_of(type));
  for (size_t i = 0; i < rank; ++i) {
    const int64_t size = std::max<int64_t>(input->size(i < usual.size() ? usual[i] : 1), 0);
    value.info.sizes.push_back(size);
    total *= static_cast<double>(size);
  }
  *fits = *fits && total <= kMost;
  if (total > kMost) return value;
  value.data.resize(static_cast<size_t>(total));
  std::minstd_rand random(input->byte());
  for (unsigned char& byte : value.data) byte = static_cast<unsigned char>(random());
  return value;
}

// What the C interface makes of the inputs, in one thread.
bool scan(std::vector<Value> inputs, ElementType type, std::vector<unsigned char>* result) {
  if (inputs.size() < 3 || inputs[0].info.sizes.size() != 4) return false;
  Value out{{type, inputs[0].info.sizes, {}}, {}};
  if (out.info.sizes[1] > INT64_MAX / 4) return false;
  out.info.sizes[1] *= 4;
  out.data.resize(count_of(out.info.sizes) * bytes_of(type));
  const inpaint_scan_tensor x = view(&inputs[0]), weight = view(&inputs[1]);
  const inpaint_scan_tensor bias = view(&inputs[2]), y = view(&out);
  inpaint_scan_options options = {};
  options.threads = 1;
  const bool works = inpaint_scan_forward(&x, &weight, &bias, &y, &options) == INPAINT_SCAN_OK;
  *result = out.data;
  return works;
}

void try_node(Input* input) {
  const CustomOp* op = operators()[input->byte() % operators().size()];
  const ElementType image = op->input_type(op, 0), parameters = op->input_type(op, 1);
  const int64_t n = input->byte() % 3, c = input->byte() % 5;
  const int64_t h = input->byte() % 40, w = input->byte() % 40;
  bool fits = true;
  KernelContext context;
  context.inputs.push_back(tensor(input, image, {n, c, h, w}, &fits));
  context.inputs.push_back(tensor(input, parameters, {4, c}, &fits));
  context.inputs.push_back(tensor(input, parameters, {4, c}, &fits));
  if (!fits) return;
  if (input->once_in(32)) context.inputs.resize(input->byte() % 3);
  if (!input->once_in(4)) context.pool = reversed;
  context.output.info.type = op->output_type(op, 0);
  const std::vector<Value> given = context.inputs;

  std::vector<unsigned char> expected;
  const bool works = scan(context.inputs, image, &expected);
  const std::string why = inpaint_scan_last_error();
  void* kernel = nullptr;
  REQUIRE(op->create_kernel_v2(op, nullptr, nullptr, &kernel) == nullptr);
  const Faults faults(input);
  Status* status = op->compute_v2(kernel, &context);
  op->destroy(kernel);
  if (status == nullptr) {  // perhaps after a pool that failed
    REQUIRE(works && context.output.data == expected);
  } else {
    REQUIRE(!works || faults.happened());
    const bool by_fault = status->message == "a fault";
    REQUIRE(by_fault == faults.happened());
    if (!by_fault && context.has_output) REQUIRE(status->message.find(why) != std::string::npos);
    REQUIRE(!by_fault || status->code == kFail);
    for (const unsigned char byte : context.output.data) REQUIRE(byte == kUntouched);
  }
  delete status;
  for (size_t i = 0; i < given.size(); ++i) REQUIRE(context.inputs[i].data == given[i].data);
}

void try_shape(Input* input) {
  const CustomOp* op = operators()[input->byte() % operators().size()];
  const ElementType types[] = {kUndefined, kFloat, kFloat16, kDouble, kBfloat16};
  ShapeInferContext context;
  TensorInfo& x = context.input;
  x.type = types[input->byte() % 5];
  const size_t rank = input->once_in(8) ? input->byte() % 10 : 4;
  bool known = true;
  for (size_t i = 0; i < rank; ++i) {
    x.sizes.push_back(input->size(input->byte() % 40));
    x.names.push_back(input->once_in(8) ? "name" : "");
    known = known && x.sizes[i] >= 0;
  }
  const TensorInfo given = x;
  const Faults faults(input);
  Status* status = op->infer_output_shape(op, &context);
  REQUIRE((status != nullptr) == (faults.happened() || (rank != 0 && rank != 4)));
  delete status;
  REQUIRE(x.sizes == given.sizes && x.names == given.names && x.type == given.type);
  const std::vector<int64_t>& sizes = context.output.sizes;
  if (sizes.empty()) {
    REQUIRE(status != nullptr || rank == 0 || !known || x.sizes[1] > INT64_MAX / 4);
    return;
  }
  REQUIRE(rank == 4 && sizes.size() == 4 && context.output.type == x.type);
  for (size_t i = 0; i < 4; ++i) {
    REQUIRE(sizes[i] == (i == 1 ? 4 : 1) * x.sizes[i]);
    REQUIRE(context.output.names[i] == (i == 1 ? "" : x.names[i]));
  }
}

}  // namespace
}  // namespace inpaint::ort

void try_one(const uint8_t* data, size_t size) {
  using namespace inpaint::ort;
  operators();
  const int before = living;
  Input input(data, size);
  input.once_in(3) ? try_shape(&input) : try_node(&input);
  REQUIRE(living == before);
}
