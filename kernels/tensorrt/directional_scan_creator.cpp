// The creator, and what the shared library exports for TensorRT's plugin registry.
#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <new>

#include "directional_scan_plugin.h"

namespace inpaint {
namespace tensorrt {

namespace {

std::mutex logger_mutex;
nvinfer1::ILoggerFinder* logger_finder = nullptr;

}  // namespace

void report(char const* format, ...) noexcept {
  char text[512];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  nvinfer1::ILogger* logger = nullptr;
  {
    std::lock_guard<std::mutex> const lock(logger_mutex);
    if (logger_finder != nullptr) logger = logger_finder->findLogger();
  }
  if (logger != nullptr) {
    logger->log(nvinfer1::ILogger::Severity::kERROR, text);
  } else {
    std::fprintf(stderr, "%s\n", text);
  }
}

nvinfer1::IPluginV3* DirectionalScanCreator::createPlugin(
    char const* name, nvinfer1::PluginFieldCollection const* fields,
    nvinfer1::TensorRTPhase) noexcept {
  (void)name;  // the layer's, of no meaning here
  // ONNX parsers hand over fields of their own, such as the node's domain. Those say nothing about
  // the scan, which has no attributes; a null collection is an empty one.
  if (fields != nullptr && fields->nbFields > 0 && fields->fields == nullptr) {
    report("DirectionalScan: the plugin's fields are announced but missing");
    return nullptr;
  }
  auto* plugin = new (std::nothrow) DirectionalScanPlugin(plugin_namespace_);
  if (plugin == nullptr) report("DirectionalScan: out of memory");
  return plugin;
}

}  // namespace tensorrt
}  // namespace inpaint

// TensorRT's own TENSORRTAPI exports nothing from a library that is not TensorRT.
#if defined(_WIN32)
#define INPAINT_PLUGIN_EXPORT extern "C" __declspec(dllexport)
#else
#define INPAINT_PLUGIN_EXPORT extern "C" __attribute__((visibility("default")))
#endif

// TensorRT calls both through IPluginRegistry::loadLibrary. There are two creators because the ONNX
// parser looks in two places. For an operator that it does not know, it tries the namespace that
// the node's plugin_namespace attribute names, which is empty where there is none, then the node's
// domain. But whether a plugin comes before a model-local function of the same name it decides by
// the first alone, and our nodes have no attributes: without a creator in the empty namespace it
// would expand the function. Parsers that know OnnxParserFlag::kENABLE_PLUGIN_OVERRIDE expand it
// unless that flag is set; older ones, from TensorRT 10.7 on, always take the plugin.
INPAINT_PLUGIN_EXPORT nvinfer1::IPluginCreatorInterface* const* getCreators(std::int32_t& count) {
  static inpaint::tensorrt::DirectionalScanCreator in_domain(inpaint::tensorrt::kPluginNamespace);
  static inpaint::tensorrt::DirectionalScanCreator in_default("");
  static nvinfer1::IPluginCreatorInterface* const creators[] = {&in_domain, &in_default};
  count = 2;
  return creators;
}

INPAINT_PLUGIN_EXPORT void setLoggerFinder(nvinfer1::ILoggerFinder* finder) {
  std::lock_guard<std::mutex> const lock(inpaint::tensorrt::logger_mutex);
  inpaint::tensorrt::logger_finder = finder;
}
