// DirectionalScan as a TensorRT plugin (IPluginV3): inputs X [N, C, H, W], weight [4, C] and bias
// [4, C], output [N, 4C, H, W]. X and the output are fp32, fp16 or bf16, in the linear layout;
// weight and bias have X's type or are fp32. There are no attributes, so nothing is serialised: an
// engine stores the plugin's name, version and namespace, and creates it again from those.
#pragma once

#include <NvInferRuntime.h>

#include <cstdint>

namespace inpaint {
namespace tensorrt {

constexpr char const* kPluginName = "DirectionalScan";
constexpr char const* kPluginVersion = "1";
// The ONNX domain of the node. The creators are registered in this namespace and in the empty one.
constexpr char const* kPluginNamespace = "inpaint_sdk";

class DirectionalScanPlugin final : public nvinfer1::IPluginV3,
                                    public nvinfer1::IPluginV3OneCore,
                                    public nvinfer1::IPluginV3OneBuild,
                                    public nvinfer1::IPluginV3OneRuntime {
 public:
  // plugin_namespace must live as long as the library: it is the creator's.
  explicit DirectionalScanPlugin(char const* plugin_namespace) noexcept
      : plugin_namespace_(plugin_namespace) {}

  // IPluginV3
  nvinfer1::IPluginCapability* getCapabilityInterface(
      nvinfer1::PluginCapabilityType type) noexcept override;
  DirectionalScanPlugin* clone() noexcept override;

  // IPluginV3OneCore
  char const* getPluginName() const noexcept override { return kPluginName; }
  char const* getPluginVersion() const noexcept override { return kPluginVersion; }
  char const* getPluginNamespace() const noexcept override { return plugin_namespace_; }

  // IPluginV3OneBuild
  std::int32_t getNbOutputs() const noexcept override { return 1; }
  std::int32_t configurePlugin(nvinfer1::DynamicPluginTensorDesc const* in, std::int32_t in_count,
                               nvinfer1::DynamicPluginTensorDesc const* out,
                               std::int32_t out_count) noexcept override;
  std::int32_t getOutputDataTypes(nvinfer1::DataType* out, std::int32_t out_count,
                                  nvinfer1::DataType const* in,
                                  std::int32_t in_count) const noexcept override;
  std::int32_t getOutputShapes(nvinfer1::DimsExprs const* in, std::int32_t in_count,
                               nvinfer1::DimsExprs const* shapes, std::int32_t shape_count,
                               nvinfer1::DimsExprs* out, std::int32_t out_count,
                               nvinfer1::IExprBuilder& expressions) noexcept override;
  bool supportsFormatCombination(std::int32_t position,
                                 nvinfer1::DynamicPluginTensorDesc const* in_out,
                                 std::int32_t in_count, std::int32_t out_count) noexcept override;

  // IPluginV3OneRuntime
  std::int32_t onShapeChange(nvinfer1::PluginTensorDesc const* in, std::int32_t in_count,
                             nvinfer1::PluginTensorDesc const* out,
                             std::int32_t out_count) noexcept override;
  std::int32_t enqueue(nvinfer1::PluginTensorDesc const* in, nvinfer1::PluginTensorDesc const* out,
                       void const* const* inputs, void* const* outputs, void* workspace,
                       cudaStream_t stream) noexcept override;
  nvinfer1::IPluginV3* attachToContext(nvinfer1::IPluginResourceContext* context) noexcept override;
  nvinfer1::PluginFieldCollection const* getFieldsToSerialize() noexcept override;

 private:
  char const* plugin_namespace_;
  nvinfer1::PluginFieldCollection no_fields_{0, nullptr};
};

class DirectionalScanCreator final : public nvinfer1::IPluginCreatorV3One {
 public:
  explicit DirectionalScanCreator(char const* plugin_namespace) noexcept
      : plugin_namespace_(plugin_namespace) {}

  nvinfer1::IPluginV3* createPlugin(char const* name, nvinfer1::PluginFieldCollection const* fields,
                                    nvinfer1::TensorRTPhase phase) noexcept override;
  nvinfer1::PluginFieldCollection const* getFieldNames() noexcept override { return &no_fields_; }
  char const* getPluginName() const noexcept override { return kPluginName; }
  char const* getPluginVersion() const noexcept override { return kPluginVersion; }
  char const* getPluginNamespace() const noexcept override { return plugin_namespace_; }

 private:
  char const* plugin_namespace_;
  nvinfer1::PluginFieldCollection no_fields_{0, nullptr};
};

// Says what went wrong to TensorRT's logger, or to stderr where it gave none.
void report(char const* format, ...) noexcept;

}  // namespace tensorrt
}  // namespace inpaint
