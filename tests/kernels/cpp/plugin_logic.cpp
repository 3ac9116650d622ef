// The TensorRT plugin's logic with neither TensorRT nor a GPU: shapes, types, formats, cloning, and
// what enqueue passes to the scan, which is replaced by a function that writes it down. Built with
// the plugin's sources against TensorRT's headers. Exits with 1 if a check failed.
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "../../../kernels/cuda/inpaint_scan_cuda.h"
#include "../../../kernels/tensorrt/directional_scan_plugin.h"

using namespace nvinfer1;
using inpaint::tensorrt::DirectionalScanPlugin;

extern "C" IPluginCreatorInterface* const* getCreators(std::int32_t& count);
extern "C" void setLoggerFinder(ILoggerFinder* finder);

namespace {

int checks = 0;
int failures = 0;
std::vector<std::string> messages;
inpaint_scan_cuda_problem last_problem;
int scan_calls = 0;
int scan_status = 0;

void check(bool good, const char* what) {
  ++checks;
  if (!good) {
    ++failures;
    std::printf("FAIL %s\n", what);
  }
}

class Recorder final : public ILogger {
 public:
  void log(Severity severity, char const* text) noexcept override {
    if (severity == Severity::kERROR) messages.emplace_back(text);
  }
};

class Finder final : public ILoggerFinder {
 public:
  ILogger* findLogger() override { return &recorder_; }

 private:
  Recorder recorder_;
};

// Expressions that are numbers at once.
class Expression final : public IDimensionExpr, private apiv::VDimensionExpr {
 public:
  explicit Expression(std::int64_t value) : value_(value) { mImpl = this; }
  ~Expression() noexcept override = default;

 private:
  bool isConstant() const override { return true; }
  std::int64_t getConstantValue() const override { return value_; }
  bool isSizeTensor() const override { return false; }
  std::int64_t value_;
};

class Builder final : public IExprBuilder, private apiv::VExprBuilder {
 public:
  Builder() { mImpl = this; }
  ~Builder() noexcept override = default;
  IDimensionExpr const* make(std::int64_t value) {
    made_.push_back(std::make_unique<Expression>(value));
    return made_.back().get();
  }

 private:
  IDimensionExpr const* constant(std::int64_t value) override { return make(value); }
  IDimensionExpr const* operation(DimensionOperation op, IDimensionExpr const& first,
                                  IDimensionExpr const& second) override {
    if (op != DimensionOperation::kPROD) return nullptr;
    return make(first.getConstantValue() * second.getConstantValue());
  }
  IDimensionExpr const* declareSizeTensor(std::int32_t, IDimensionExpr const&,
                                          IDimensionExpr const&) override {
    return nullptr;
  }
  std::vector<std::unique_ptr<Expression>> made_;
};

PluginTensorDesc tensor(DataType type, std::vector<std::int64_t> extents,
                        TensorFormat format = TensorFormat::kLINEAR) {
  PluginTensorDesc desc = {};
  desc.type = type;
  desc.format = format;
  desc.dims.nbDims = static_cast<std::int32_t>(extents.size());
  for (std::size_t i = 0; i < extents.size(); ++i) desc.dims.d[i] = extents[i];
  return desc;
}

struct Tensors {
  PluginTensorDesc in[3];
  PluginTensorDesc out[1];
};

Tensors good_tensors(DataType x, DataType parameters) {
  return {{tensor(x, {2, 5, 9, 13}), tensor(parameters, {4, 5}), tensor(parameters, {4, 5})},
          {tensor(x, {2, 20, 9, 13})}};
}

void test_creators() {
  std::int32_t count = 0;
  IPluginCreatorInterface* const* creators = getCreators(count);
  check(count == 2, "two creators");
  const char* namespaces[] = {"inpaint_sdk", ""};
  for (std::int32_t i = 0; i < count; ++i) {
    auto* creator = static_cast<IPluginCreatorV3One*>(creators[i]);
    check(std::strcmp(creator->getPluginName(), "DirectionalScan") == 0, "creator's name");
    check(std::strcmp(creator->getPluginVersion(), "1") == 0, "creator's version");
    check(std::strcmp(creator->getPluginNamespace(), namespaces[i]) == 0, "creator's namespace");
    check(creator->getFieldNames() != nullptr && creator->getFieldNames()->nbFields == 0,
          "no attributes");
    PluginFieldCollection broken = {2, nullptr};
    check(creator->createPlugin("layer", &broken, TensorRTPhase::kBUILD) == nullptr,
          "missing fields are refused");
    for (TensorRTPhase phase : {TensorRTPhase::kBUILD, TensorRTPhase::kRUNTIME}) {
      std::unique_ptr<IPluginV3> plugin(creator->createPlugin("layer", nullptr, phase));
      check(plugin != nullptr, "a plugin is made");
      auto* core = static_cast<IPluginV3OneCore*>(
          plugin->getCapabilityInterface(PluginCapabilityType::kCORE));
      check(core != nullptr && std::strcmp(core->getPluginNamespace(), namespaces[i]) == 0,
            "the plugin's namespace is its creator's");
      check(core != nullptr && std::strcmp(core->getPluginName(), "DirectionalScan") == 0 &&
                std::strcmp(core->getPluginVersion(), "1") == 0,
            "the plugin's name and version");
      check(plugin->getCapabilityInterface(PluginCapabilityType::kBUILD) != nullptr &&
                plugin->getCapabilityInterface(PluginCapabilityType::kRUNTIME) != nullptr,
            "capabilities");

      // What an engine does: store the fields, and create from them again.
      auto* runtime = static_cast<IPluginV3OneRuntime*>(
          plugin->getCapabilityInterface(PluginCapabilityType::kRUNTIME));
      PluginFieldCollection const* stored = runtime->getFieldsToSerialize();
      check(stored != nullptr && stored->nbFields == 0, "nothing to store");
      std::unique_ptr<IPluginV3> again(
          creator->createPlugin("layer", stored, TensorRTPhase::kRUNTIME));
      check(again != nullptr, "created again from what was stored");

      std::unique_ptr<IPluginV3> copy(plugin->clone());
      std::unique_ptr<IPluginV3> attached(runtime->attachToContext(nullptr));
      for (IPluginV3* other : {copy.get(), attached.get()}) {
        check(other != nullptr && other != plugin.get(), "a clone is another object");
        auto* its = static_cast<IPluginV3OneCore*>(
            other->getCapabilityInterface(PluginCapabilityType::kCORE));
        check(std::strcmp(its->getPluginNamespace(), namespaces[i]) == 0, "a clone's namespace");
      }
    }
  }
}

void test_shapes(DirectionalScanPlugin& plugin) {
  Builder builder;
  const auto dims = [&](std::vector<std::int64_t> extents) {
    DimsExprs result = {};
    result.nbDims = static_cast<std::int32_t>(extents.size());
    for (std::size_t i = 0; i < extents.size(); ++i) result.d[i] = builder.make(extents[i]);
    return result;
  };
  DimsExprs in[3] = {dims({2, 5, 9, 13}), dims({4, 5}), dims({4, 5})};
  DimsExprs out[1] = {};
  check(plugin.getNbOutputs() == 1, "one output");
  check(plugin.getOutputShapes(in, 3, nullptr, 0, out, 1, builder) == 0, "shapes");
  const std::int64_t want[] = {2, 20, 9, 13};
  check(out[0].nbDims == 4, "output's rank");
  for (int i = 0; i < 4 && out[0].nbDims == 4; ++i) {
    check(out[0].d[i]->getConstantValue() == want[i], "output's extents");
  }
  check(plugin.getOutputShapes(in, 2, nullptr, 0, out, 1, builder) != 0, "two inputs");
  check(plugin.getOutputShapes(in, 3, nullptr, 0, out, 2, builder) != 0, "two outputs");
  check(plugin.getOutputShapes(nullptr, 3, nullptr, 0, out, 1, builder) != 0, "null shapes");
  DimsExprs flat[3] = {dims({5, 9, 13}), in[1], in[2]};
  check(plugin.getOutputShapes(flat, 3, nullptr, 0, out, 1, builder) != 0, "X of rank 3");
  DimsExprs narrow[3] = {in[0], dims({4}), in[2]};
  check(plugin.getOutputShapes(narrow, 3, nullptr, 0, out, 1, builder) != 0, "weight of rank 1");
}

void test_types(DirectionalScanPlugin& plugin) {
  const auto output_type = [&](DataType x, DataType weight, DataType bias) {
    const DataType in[] = {x, weight, bias};
    DataType out = DataType::kINT32;
    return plugin.getOutputDataTypes(&out, 1, in, 3) == 0 && out == x;
  };
  const DataType kF = DataType::kFLOAT;
  const DataType kH = DataType::kHALF;
  const DataType kB = DataType::kBF16;
  check(output_type(kF, kF, kF) && output_type(kH, kH, kH) && output_type(kB, kB, kB), "types");
  check(output_type(kH, kF, kF) && output_type(kB, kF, kF), "fp32 weights");
  check(!output_type(kF, kH, kH), "fp16 weights for fp32 X");
  check(!output_type(kH, kH, kF), "weight and bias differ");
  check(!output_type(DataType::kINT8, kF, kF), "int8 X");
  check(plugin.getOutputDataTypes(nullptr, 1, nullptr, 3) != 0, "null types");

  const auto supports = [&](DataType x, DataType weight, DataType bias, DataType out,
                            TensorFormat format = TensorFormat::kLINEAR) {
    DynamicPluginTensorDesc all[4] = {};
    const DataType types[] = {x, weight, bias, out};
    for (int i = 0; i < 4; ++i) {
      all[i].desc.type = types[i];
      all[i].desc.format = format;
    }
    for (int position = 0; position < 4; ++position) {
      if (!plugin.supportsFormatCombination(position, all, 3, 1)) return false;
    }
    return true;
  };
  check(supports(kF, kF, kF, kF) && supports(kH, kH, kH, kH) && supports(kH, kF, kF, kH),
        "formats");
  check(!supports(kH, kH, kH, kF), "output of another type");
  check(!supports(kF, kH, kH, kF) && !supports(kH, kH, kF, kH), "weights of a third type");
  check(!supports(DataType::kINT32, kF, kF, DataType::kINT32), "int32 X");
  check(!supports(kH, kH, kH, kH, TensorFormat::kCHW2), "a layout that is not linear");
  DynamicPluginTensorDesc all[4] = {};
  check(!plugin.supportsFormatCombination(4, all, 3, 1), "a position past the end");
  check(!plugin.supportsFormatCombination(-1, all, 3, 1), "a negative position");
  check(!plugin.supportsFormatCombination(0, nullptr, 3, 1), "null formats");
}

void test_configuration(DirectionalScanPlugin& plugin) {
  const Tensors good = good_tensors(DataType::kHALF, DataType::kFLOAT);
  const auto configure = [&](Tensors const& t) {
    DynamicPluginTensorDesc in[3] = {};
    DynamicPluginTensorDesc out[1] = {};
    for (int i = 0; i < 3; ++i) in[i].desc = t.in[i];
    out[0].desc = t.out[0];
    return plugin.configurePlugin(in, 3, out, 1);
  };
  const auto both = [&](Tensors const& t, bool accepted, const char* what) {
    check((configure(t) == 0) == accepted, what);
    check((plugin.onShapeChange(t.in, 3, t.out, 1) == 0) == accepted, what);
  };
  both(good, true, "good tensors");
  Tensors t = good;
  t.in[0].dims.d[0] = t.in[0].dims.d[2] = t.in[0].dims.d[3] = -1;
  t.out[0].dims.d[0] = t.out[0].dims.d[2] = t.out[0].dims.d[3] = -1;
  both(t, true, "dynamic extents");
  t = good;
  t.in[1].dims.d[1] = 6;
  both(t, false, "channels of the weight");
  t = good;
  t.in[2].dims.d[0] = 3;
  both(t, false, "directions of the bias");
  t = good;
  t.in[0].dims.nbDims = 3;
  both(t, false, "rank of X");
  t = good;
  t.out[0].dims.d[1] = 5;
  both(t, false, "channels of the output");
  t = good;
  t.in[0].type = DataType::kINT8;
  both(t, false, "type of X");
  check(plugin.configurePlugin(nullptr, 3, nullptr, 1) != 0, "null configuration");
  check(plugin.onShapeChange(good.in, 1, good.out, 1) != 0, "one input");
}

void test_enqueue(DirectionalScanPlugin& plugin) {
  int memory[4];
  void const* inputs[] = {&memory[0], &memory[1], &memory[2]};
  void* outputs[] = {&memory[3]};
  struct {
    DataType x, parameters;
    int dtype, parameter_dtype;
  } const cases[] = {{DataType::kFLOAT, DataType::kFLOAT, 0, 0},
                     {DataType::kHALF, DataType::kHALF, 1, 1},
                     {DataType::kHALF, DataType::kFLOAT, 1, 0},
                     {DataType::kBF16, DataType::kBF16, 2, 2}};
  for (auto const& c : cases) {
    const Tensors t = good_tensors(c.x, c.parameters);
    scan_calls = 0;
    check(plugin.enqueue(t.in, t.out, inputs, outputs, nullptr, nullptr) == 0, "enqueue");
    check(scan_calls == 1, "one scan");
    check(last_problem.n == 2 && last_problem.c == 5 && last_problem.h == 9 && last_problem.w == 13,
          "the scan's shape");
    check(last_problem.dtype == c.dtype && last_problem.parameter_dtype == c.parameter_dtype,
          "the scan's types");
    check(last_problem.strategy == INPAINT_SCAN_CUDA_AUTO, "the scan's strategy");
  }
  const Tensors t = good_tensors(DataType::kFLOAT, DataType::kFLOAT);
  scan_calls = 0;
  check(plugin.enqueue(nullptr, t.out, inputs, outputs, nullptr, nullptr) != 0, "null input");
  check(plugin.enqueue(t.in, t.out, nullptr, outputs, nullptr, nullptr) != 0, "null inputs");
  Tensors bad = t;
  bad.in[1].dims.d[1] = 7;
  check(plugin.enqueue(bad.in, bad.out, inputs, outputs, nullptr, nullptr) != 0, "bad weight");
  check(scan_calls == 0, "bad input reaches no scan");
  messages.clear();
  scan_status = INPAINT_SCAN_CUDA_RUNTIME_ERROR;
  check(plugin.enqueue(t.in, t.out, inputs, outputs, nullptr, nullptr) != 0, "a failing scan");
  check(messages.size() == 1 && messages[0].find("the words") != std::string::npos,
        "the logger hears what failed");
  scan_status = 0;
}

}  // namespace

extern "C" int inpaint_scan_cuda_forward(const inpaint_scan_cuda_problem* problem, const void*,
                                         const void*, const void*, void*, void*) {
  last_problem = *problem;
  ++scan_calls;
  return scan_status;
}
extern "C" const char* inpaint_scan_cuda_status_text(int) { return "a status"; }
extern "C" const char* inpaint_scan_cuda_last_error(void) { return "the words"; }

int main() {
  Finder finder;
  setLoggerFinder(&finder);
  test_creators();
  DirectionalScanPlugin plugin("inpaint_sdk");
  test_shapes(plugin);
  test_types(plugin);
  test_configuration(plugin);
  test_enqueue(plugin);
  check(!messages.empty(), "messages reach the logger");
  setLoggerFinder(nullptr);
  std::printf("%d checks, %d failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
