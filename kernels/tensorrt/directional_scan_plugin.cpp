#include "directional_scan_plugin.h"

#include <new>

#include "../cuda/inpaint_scan_cuda.h"

namespace inpaint {
namespace tensorrt {

using nvinfer1::DataType;
using nvinfer1::Dims;
using nvinfer1::DimsExprs;
using nvinfer1::DynamicPluginTensorDesc;
using nvinfer1::PluginTensorDesc;
using nvinfer1::TensorFormat;

namespace {

constexpr std::int32_t kInputs = 3;
constexpr std::int32_t kOutputs = 1;
constexpr std::int32_t kFailed = 1;
constexpr char const* kInputNames[kInputs] = {"X", "weight", "bias"};

bool is_scan_type(DataType type) {
  return type == DataType::kFLOAT || type == DataType::kHALF || type == DataType::kBF16;
}

std::int32_t scan_dtype(DataType type) {
  switch (type) {
    case DataType::kFLOAT:
      return INPAINT_SCAN_CUDA_FLOAT32;
    case DataType::kHALF:
      return INPAINT_SCAN_CUDA_FLOAT16;
    case DataType::kBF16:
      return INPAINT_SCAN_CUDA_BFLOAT16;
    default:
      return -1;
  }
}

std::int32_t check_counts(void const* in, std::int32_t in_count, void const* out,
                          std::int32_t out_count) {
  if (in == nullptr || out == nullptr || in_count != kInputs || out_count != kOutputs) {
    report("DirectionalScan takes 3 inputs (X, weight, bias) and gives 1 output, not %d and %d",
           in_count, out_count);
    return kFailed;
  }
  return 0;
}

// The numbers of dimensions; TensorRT asks for shapes before it knows their extents.
std::int32_t check_ranks(std::int32_t x, std::int32_t weight, std::int32_t bias) {
  if (x != 4) {
    report("DirectionalScan's X must have 4 dimensions [N, C, H, W], not %d", x);
    return kFailed;
  }
  if (weight != 2 || bias != 2) {
    report("DirectionalScan's weight and bias must have 2 dimensions [4, C], not %d and %d", weight,
           bias);
    return kFailed;
  }
  return 0;
}

std::int32_t check_types(DataType x, DataType weight, DataType bias, DataType out) {
  if (!is_scan_type(x)) {
    report("DirectionalScan's X must be fp32, fp16 or bf16, not TensorRT's data type %d",
           static_cast<int>(x));
    return kFailed;
  }
  if (out != x) {
    report("DirectionalScan's output must have X's type");
    return kFailed;
  }
  if (weight != bias || (weight != x && weight != DataType::kFLOAT)) {
    report("DirectionalScan's weight and bias must both have X's type, or both be fp32");
    return kFailed;
  }
  return 0;
}

// Extents, where -1 stands for one that is not known yet.
std::int32_t check_extents(Dims const& x, Dims const& weight, Dims const& bias, Dims const& out) {
  if (check_ranks(x.nbDims, weight.nbDims, bias.nbDims) != 0) return kFailed;
  if (out.nbDims != 4) {
    report("DirectionalScan's output must have 4 dimensions, not %d", out.nbDims);
    return kFailed;
  }
  auto const differ = [](std::int64_t a, std::int64_t b) { return a >= 0 && b >= 0 && a != b; };
  Dims const* const parameters[] = {&weight, &bias};
  for (int i = 0; i < 2; ++i) {
    std::int64_t const rows = parameters[i]->d[0];
    std::int64_t const channels = parameters[i]->d[1];
    if (differ(rows, 4) || differ(channels, x.d[1])) {
      report("DirectionalScan's %s must be [4, %lld] for this X, not [%lld, %lld]",
             kInputNames[i + 1], static_cast<long long>(x.d[1]), static_cast<long long>(rows),
             static_cast<long long>(channels));
      return kFailed;
    }
  }
  std::int64_t const channels = x.d[1] < 0 ? -1 : 4 * static_cast<std::int64_t>(x.d[1]);
  if (differ(out.d[0], x.d[0]) || differ(out.d[1], channels) || differ(out.d[2], x.d[2]) ||
      differ(out.d[3], x.d[3])) {
    report("DirectionalScan's output must be [N, 4C, H, W] for X [N, C, H, W]");
    return kFailed;
  }
  return 0;
}

std::int32_t check_tensors(PluginTensorDesc const& x, PluginTensorDesc const& weight,
                           PluginTensorDesc const& bias, PluginTensorDesc const& out) {
  if (check_types(x.type, weight.type, bias.type, out.type) != 0) return kFailed;
  return check_extents(x.dims, weight.dims, bias.dims, out.dims);
}

}  // namespace

nvinfer1::IPluginCapability* DirectionalScanPlugin::getCapabilityInterface(
    nvinfer1::PluginCapabilityType type) noexcept {
  switch (type) {
    case nvinfer1::PluginCapabilityType::kCORE:
      return static_cast<nvinfer1::IPluginV3OneCore*>(this);
    case nvinfer1::PluginCapabilityType::kBUILD:
      return static_cast<nvinfer1::IPluginV3OneBuild*>(this);
    case nvinfer1::PluginCapabilityType::kRUNTIME:
      return static_cast<nvinfer1::IPluginV3OneRuntime*>(this);
  }
  return nullptr;
}

DirectionalScanPlugin* DirectionalScanPlugin::clone() noexcept {
  auto* copy = new (std::nothrow) DirectionalScanPlugin(plugin_namespace_);
  if (copy == nullptr) report("DirectionalScan: out of memory");
  return copy;
}

std::int32_t DirectionalScanPlugin::configurePlugin(DynamicPluginTensorDesc const* in,
                                                    std::int32_t in_count,
                                                    DynamicPluginTensorDesc const* out,
                                                    std::int32_t out_count) noexcept {
  if (check_counts(in, in_count, out, out_count) != 0) return kFailed;
  return check_tensors(in[0].desc, in[1].desc, in[2].desc, out[0].desc);
}

std::int32_t DirectionalScanPlugin::getOutputDataTypes(DataType* out, std::int32_t out_count,
                                                       DataType const* in,
                                                       std::int32_t in_count) const noexcept {
  if (check_counts(in, in_count, out, out_count) != 0) return kFailed;
  if (check_types(in[0], in[1], in[2], in[0]) != 0) return kFailed;
  out[0] = in[0];
  return 0;
}

std::int32_t DirectionalScanPlugin::getOutputShapes(DimsExprs const* in, std::int32_t in_count,
                                                    DimsExprs const*, std::int32_t shape_count,
                                                    DimsExprs* out, std::int32_t out_count,
                                                    nvinfer1::IExprBuilder& expressions) noexcept {
  if (check_counts(in, in_count, out, out_count) != 0) return kFailed;
  if (shape_count != 0) {
    report("DirectionalScan takes no shape inputs");
    return kFailed;
  }
  if (check_ranks(in[0].nbDims, in[1].nbDims, in[2].nbDims) != 0) return kFailed;
  nvinfer1::IDimensionExpr const* const four = expressions.constant(4);
  if (four == nullptr) return kFailed;
  out[0].nbDims = 4;
  out[0].d[0] = in[0].d[0];
  out[0].d[1] = expressions.operation(nvinfer1::DimensionOperation::kPROD, *in[0].d[1], *four);
  out[0].d[2] = in[0].d[2];
  out[0].d[3] = in[0].d[3];
  return out[0].d[1] == nullptr ? kFailed : 0;
}

bool DirectionalScanPlugin::supportsFormatCombination(std::int32_t position,
                                                      DynamicPluginTensorDesc const* in_out,
                                                      std::int32_t in_count,
                                                      std::int32_t out_count) noexcept {
  if (in_out == nullptr || in_count != kInputs || out_count != kOutputs) return false;
  if (position < 0 || position >= kInputs + kOutputs) return false;
  // TensorRT asks position by position: those before this one are settled, those after are not.
  PluginTensorDesc const& here = in_out[position].desc;
  if (here.format != TensorFormat::kLINEAR) return false;
  DataType const x = in_out[0].desc.type;
  switch (position) {
    case 0:
      return is_scan_type(here.type);
    case 1:
      return here.type == x || here.type == DataType::kFLOAT;
    case 2:
      return here.type == in_out[1].desc.type;
    default:
      return here.type == x;
  }
}

std::int32_t DirectionalScanPlugin::onShapeChange(PluginTensorDesc const* in, std::int32_t in_count,
                                                  PluginTensorDesc const* out,
                                                  std::int32_t out_count) noexcept {
  if (check_counts(in, in_count, out, out_count) != 0) return kFailed;
  return check_tensors(in[0], in[1], in[2], out[0]);
}

std::int32_t DirectionalScanPlugin::enqueue(PluginTensorDesc const* in, PluginTensorDesc const* out,
                                            void const* const* inputs, void* const* outputs, void*,
                                            cudaStream_t stream) noexcept {
  if (in == nullptr || out == nullptr || inputs == nullptr || outputs == nullptr) {
    report("DirectionalScan: enqueue was given a null pointer");
    return kFailed;
  }
  if (check_tensors(in[0], in[1], in[2], out[0]) != 0) return kFailed;
  inpaint_scan_cuda_problem problem = {};
  problem.n = in[0].dims.d[0];
  problem.c = in[0].dims.d[1];
  problem.h = in[0].dims.d[2];
  problem.w = in[0].dims.d[3];
  problem.dtype = scan_dtype(in[0].type);
  problem.parameter_dtype = scan_dtype(in[1].type);
  problem.strategy = INPAINT_SCAN_CUDA_AUTO;
  int const status =
      inpaint_scan_cuda_forward(&problem, inputs[0], inputs[1], inputs[2], outputs[0], stream);
  if (status != INPAINT_SCAN_CUDA_OK) {
    report("DirectionalScan on [%lld, %lld, %lld, %lld]: %s %s", static_cast<long long>(problem.n),
           static_cast<long long>(problem.c), static_cast<long long>(problem.h),
           static_cast<long long>(problem.w), inpaint_scan_cuda_status_text(status),
           status == INPAINT_SCAN_CUDA_RUNTIME_ERROR ? inpaint_scan_cuda_last_error() : "");
    return kFailed;
  }
  return 0;
}

nvinfer1::IPluginV3* DirectionalScanPlugin::attachToContext(
    nvinfer1::IPluginResourceContext*) noexcept {
  return clone();
}

nvinfer1::PluginFieldCollection const* DirectionalScanPlugin::getFieldsToSerialize() noexcept {
  return &no_fields_;
}

}  // namespace tensorrt
}  // namespace inpaint
