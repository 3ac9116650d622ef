#include "parallel.h"

#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace inpaint {
namespace {

using Task = std::function<void(size_t)>;

void call_task(void* task, size_t index) { (*static_cast<const Task*>(task))(index); }

// Threads live for one call: nothing is left running for a fork or an unload of the library to
// trip over, and starting one costs less than the smallest task that is worth sharing.
void run_on_own_threads(int threads, size_t count, const Task& task) {
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) task(i);
  };
  std::vector<std::thread> helpers;
  helpers.reserve(static_cast<size_t>(threads - 1));
  try {
    for (int t = 1; t < threads; ++t) helpers.emplace_back(work);
  } catch (const std::system_error&) {
    // The system gives no more threads; those there are do the work.
  }
  work();
  for (std::thread& helper : helpers) helper.join();
}

}  // namespace

int thread_count(const inpaint_scan_options& options) {
  if (options.threads > 0) return options.threads;
  const unsigned cores = std::thread::hardware_concurrency();
  return cores > 0 ? static_cast<int>(cores) : 1;
}

void run_tasks(const inpaint_scan_options& options, size_t count, const Task& task) {
  if (options.parallel_for != nullptr) {
    // The callback's signature is C's; the task is only read.
    options.parallel_for(options.pool, call_task, count, const_cast<Task*>(&task));
    return;
  }
  const size_t threads = static_cast<size_t>(thread_count(options));
  const int used = static_cast<int>(threads < count ? threads : count);
  if (used > 1) {
    run_on_own_threads(used, count, task);
  } else {
    for (size_t i = 0; i < count; ++i) task(i);
  }
}

}  // namespace inpaint
