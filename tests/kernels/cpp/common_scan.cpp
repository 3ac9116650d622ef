// The shared headers on the CPU: storage conversions, the step, composition of clamps in chunks,
// and the index arithmetic. Prints what failed and exits with 1, or prints the number of checks.
#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "../../../kernels/common/affine_map.h"
#include "../../../kernels/common/clamp_map.h"
#include "../../../kernels/common/dtype.h"
#include "../../../kernels/common/indexing.h"
#include "../../../kernels/common/step.h"
#include "../../../kernels/cuda/bench_support.h"
#include "../../../kernels/cuda/strategy.h"

using namespace inpaint::scan;

namespace {

int checks = 0;
int failures = 0;

void check(bool good, const std::string& what) {
  ++checks;
  if (good) return;
  ++failures;
  if (failures < 20) std::printf("FAIL %s\n", what.c_str());
}

bool same(float a, float b) { return (std::isnan(a) && std::isnan(b)) || a == b; }

std::vector<float> naive(const std::vector<float>& x, float w, float b) {
  std::vector<float> h(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float v = i == 0 ? x[0] : w * h[i - 1] + (b + x[i]);
    h[i] = v <= 0.0f ? 0.0f : v;
  }
  return h;
}

// As the GPU does it: every chunk summarised from nothing, states carried through the summaries,
// then each chunk's steps taken. walks counts the chunks whose summary could not be used.
std::vector<float> chunked(const std::vector<float>& x, float w, float b, std::size_t chunk,
                           int& walks) {
  const auto take = [&](auto& state, std::size_t i) {
    if (i == 0) {
      state.begin(x[0]);
    } else {
      state.step(w, b + x[i]);
    }
  };
  std::vector<float> h(x.size());
  float carried = 0.0f;
  for (std::size_t from = 0; from < x.size(); from += chunk) {
    const std::size_t to = std::min(x.size(), from + chunk);
    ClampMap map = ClampMap::identity();
    for (std::size_t i = from; i < to; ++i) take(map, i);
    LineState state = LineState::carried(carried);
    for (std::size_t i = from; i < to; ++i) {
      take(state, i);
      h[i] = state.h;
    }
    carried = carry_through(map, carried, [&](float in) {
      ++walks;
      LineState walker = LineState::carried(in);
      for (std::size_t i = from; i < to; ++i) take(walker, i);
      return walker.h;
    });
  }
  return h;
}

// What rounding may do to a line: see kernels/cuda/test_reference.h for the argument.
std::vector<double> error_bound(const std::vector<float>& x, float w, float b,
                                const std::vector<float>& h) {
  constexpr double kRounding = 16.0 / (1 << 24);
  std::vector<double> bound(x.size(), 0.0);
  for (std::size_t i = 1; i < x.size(); ++i) {
    const double v = static_cast<double>(w) * h[i - 1] + b + x[i];
    const double e =
        std::fabs(w) * bound[i - 1] +
        kRounding * (std::fabs(w * h[i - 1]) + std::fabs(v) + std::fabs(b) + std::fabs(x[i]));
    bound[i] = std::isinf(v) || v + e <= 0.0 ? 0.0 : e;
  }
  return bound;
}

void compare(const std::vector<float>& x, float w, float b, std::size_t chunk, int* walked) {
  int walks = 0;
  const std::vector<float> want = naive(x, w, b);
  const std::vector<float> got = chunked(x, w, b, chunk, walks);
  const std::vector<double> bound = error_bound(x, w, b, want);
  bool good = true;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double tolerance = bound[i] + 1e-40;
    const bool close = std::fabs(static_cast<double>(got[i]) - want[i]) <= tolerance;
    const bool at_edge = std::isinf(got[i]) && want[i] + tolerance >= FLT_MAX;
    good = good && (same(got[i], want[i]) || close || at_edge || !(tolerance <= DBL_MAX));
    good = good && std::isnan(got[i]) == std::isnan(want[i]);
  }
  if (walked != nullptr) *walked += walks;
  check(good, "chunked scan, length " + std::to_string(x.size()) + ", chunk " +
                  std::to_string(chunk) + ", w " + std::to_string(w));
}

void test_composition() {
  std::mt19937 generator(3);
  std::uniform_real_distribution<float> unit(-1.0f, 1.0f);
  const float weights[] = {0.0f,  -0.0f, 0.5f,  -0.5f, 0.99f, -0.99f, 1.0f,   -1.0f, 1.1f,
                           -1.1f, 1.6f,  -1.6f, 3.9f,  -6.0f, 100.f,  -1e20f, 1e30f, 1e-30f};
  const float specials[] = {NAN, INFINITY, -INFINITY};
  int walks_of_plain = 0;
  for (std::size_t length : {1, 2, 63, 129, 1025}) {
    for (std::size_t chunk : {1, 7, 16, 32, 64, 100}) {
      for (float w : weights) {
        for (int kind = 0; kind < 6; ++kind) {
          std::vector<float> x(length);
          const float b = 0.5f * unit(generator);
          for (float& v : x) v = unit(generator) * (kind == 1 ? 1e30f : kind == 2 ? 1e-38f : 1.0f);
          if (kind >= 3) {
            for (std::size_t i = 0; i < 1 + length / 40; ++i) {
              x[generator() % length] = specials[(kind + i) % 3];
            }
          }
          const bool plain = kind == 0 && std::fabs(w) <= 1.6f && chunk <= 64;
          // A line that overflows to infinity is walked from there on, so only those that cannot
          // are expected never to be.
          compare(x, w, b, chunk, plain && (w <= 1.0f) ? &walks_of_plain : nullptr);
        }
      }
    }
  }
  check(walks_of_plain == 0, "summaries suffice for ordinary weights");

  // The map by itself, for every sign of w, over the whole range of states.
  for (float w : weights) {
    if (std::fabs(w) > 2.0f) continue;
    ClampMap map = ClampMap::identity();
    std::vector<float> sums;
    for (int i = 0; i < 24; ++i) {
      sums.push_back(unit(generator));
      map.step(w, sums.back());
      check(map.lo <= map.hi && map.lo >= 0.0f, "lo <= hi");
      for (float h0 : {0.0f, 1e-3f, 0.7f, 3.0f, 1e6f}) {
        LineState state = LineState::carried(h0);
        double scale = h0;
        for (float c : sums) {
          state.step(w, c);
          scale = std::fmax(scale, 1.0) * std::fmax(1.0, std::fabs(w)) + 1.0;
        }
        float result = 0.0f;
        check(map.apply(h0, result) && std::fabs(result - state.h) <= 1e-5 * scale,
              "map equals its steps");
        check(state.h >= map.lo - 1e-5 * scale && state.h <= map.hi + 1e-5 * scale,
              "the range holds the result");
      }
    }
  }
}

void test_step() {
  check(std::isnan(relu(NAN)), "relu keeps NaN");
  check(relu(INFINITY) == INFINITY && relu(-INFINITY) == 0.0f, "relu of infinities");
  check(relu(-0.0f) == 0.0f && relu(2.5f) == 2.5f && relu(-2.5f) == 0.0f, "relu");
  LineState state;
  state.begin(-3.0f);
  check(state.h == 0.0f, "h[0] = relu(x[0])");
  state.begin(NAN);
  state.step(0.0f, 1.0f);
  check(std::isnan(state.h), "NaN goes on through w = 0");
  state.begin(INFINITY);
  state.step(-1.0f, 1.0f);
  check(state.h == 0.0f, "infinity ends at w < 0");

  // Backward: against differences of the forward pass.
  const std::vector<float> x = {0.5f, -0.2f, 0.9f, -2.0f, 0.3f, 0.4f};
  const std::vector<float> g = {1.0f, -0.5f, 0.25f, 2.0f, -1.0f, 0.75f};
  const float w = 0.7f;
  const float b = 0.1f;
  const auto loss = [&](const std::vector<float>& in, double weight, double bias) {
    double h = 0.0;
    double sum = 0.0;
    for (std::size_t i = 0; i < in.size(); ++i) {
      h = std::fmax(0.0, i == 0 ? in[0] : weight * h + bias + in[i]);
      sum += g[i] * h;
    }
    return sum;
  };
  const std::vector<float> y = naive(x, w, b);
  BackwardState back = BackwardState::carried(0.0f);
  const double delta = 1e-3;
  for (std::size_t i = x.size(); i-- > 0;) {
    if (i + 1 == x.size()) {
      back.begin(y[i], g[i]);
    } else {
      back.step(w, y[i], g[i]);
    }
    const float gradient = back.s;
    std::vector<float> up = x;
    std::vector<float> down = x;
    up[i] += 1e-3f;
    down[i] -= 1e-3f;
    const double numeric = (loss(up, w, b) - loss(down, w, b)) / (double(up[i]) - double(down[i]));
    check(std::fabs(gradient - numeric) < 1e-3, "gradient of x");
  }
  const double by_weight = (loss(x, w + delta, b) - loss(x, w - delta, b)) / (2 * delta);
  const double by_bias = (loss(x, w, b + delta) - loss(x, w, b - delta)) / (2 * delta);
  check(std::fabs(back.grad_weight - by_weight) < 1e-3, "gradient of the weight");
  check(std::fabs(back.grad_bias - by_bias) < 1e-3, "gradient of the bias");
}

// As the GPU does it: every chunk summarised, gradients carried through the summaries, then each
// chunk's steps taken; against the steps taken one after the other. walks counts the chunks whose
// summary could not be used.
void compare_backward(const std::vector<float>& y, const std::vector<float>& g, float w,
                      std::size_t chunk, int& walks) {
  const std::size_t length = y.size();
  // In the order of the walk: element 0 is the line's last.
  const auto take = [&](auto& state, std::size_t i) {
    if (i == 0) {
      state.begin(y[0], g[0]);
    } else {
      state.step(w, y[i], g[i]);
    }
  };
  BackwardState whole = BackwardState::carried(0.0f);
  BackwardState parts = BackwardState::carried(0.0f);
  float carried = 0.0f;
  double bound = 0.0;
  bool good = true;
  for (std::size_t from = 0; from < length; from += chunk) {
    const std::size_t to = std::min(length, from + chunk);
    AffineMap map = AffineMap::identity();
    for (std::size_t i = from; i < to; ++i) take(map, i);
    parts.s = carried;
    for (std::size_t i = from; i < to; ++i) {
      const double term = std::fabs(w * whole.s) + std::fabs(g[i]);
      bound = y[i] <= 0.0f ? 0.0 : std::fabs(w) * bound + 16.0 / (1 << 24) * term;
      take(whole, i);
      take(parts, i);
      good = good && std::isnan(whole.s) == std::isnan(parts.s);
      good = good && (same(whole.s, parts.s) || std::fabs(double(whole.s) - parts.s) <= bound ||
                      !(bound <= FLT_MAX));
    }
    carried = carry_through(map, carried, [&](float in) {
      ++walks;
      BackwardState walker = BackwardState::carried(in);
      for (std::size_t i = from; i < to; ++i) take(walker, i);
      return walker.s;
    });
  }
  check(good, "chunked backward, length " + std::to_string(length) + ", chunk " +
                  std::to_string(chunk) + ", w " + std::to_string(w));
}

void test_backward_composition() {
  std::mt19937 generator(5);
  std::uniform_real_distribution<float> unit(-1.0f, 1.0f);
  int walks_of_plain = 0;
  int walks_of_huge = 0;
  for (std::size_t length : {1, 2, 63, 129, 1025}) {
    for (std::size_t chunk : {1, 7, 8, 32, 100}) {
      for (float w : {0.0f, -0.0f, 0.5f, -0.99f, 1.0f, -1.1f, 1.6f, -6.0f, 1e20f, -1e30f}) {
        for (int kind = 0; kind < 3; ++kind) {
          std::vector<float> y(length);
          std::vector<float> g(length);
          for (std::size_t i = 0; i < length; ++i) {
            y[i] = std::max(0.0f, unit(generator) + 0.6f);
            g[i] = unit(generator);
          }
          if (kind == 1) y[0] = INFINITY;
          if (kind == 2) {
            const float some[] = {INFINITY, NAN, -INFINITY};
            for (std::size_t i = 0; i < 1 + length / 40; ++i) {
              y[generator() % length] = some[i % 2];
              g[generator() % length] = some[i % 3];
            }
          }
          int walks = 0;
          compare_backward(y, g, w, chunk, walks);
          if (kind < 2 && std::fabs(w) <= 1.0f) walks_of_plain += walks;
          if (std::fabs(w) > 1e10f) walks_of_huge += walks;
        }
      }
    }
  }
  check(walks_of_plain == 0, "backward: summaries suffice for ordinary weights");
  check(walks_of_huge > 0, "backward: huge weights are walked");

  BackwardState state = BackwardState::carried(0.0f);
  state.begin(INFINITY, 2.0f);
  state.step(0.5f, 3.0f, 1.0f);
  check(state.grad_weight == 6.0f && state.grad_bias == 2.0f,
        "the last element's value counts for no weight");
}

void test_dtype() {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const Half half{static_cast<std::uint16_t>(bits)};
    const BFloat16 brain{static_cast<std::uint16_t>(bits)};
    const float h = to_float(half);
    const float v = to_float(brain);
    check(std::isnan(h) ? std::isnan(to_float(from_float<Half>(h)))
                        : from_float<Half>(h).bits == bits,
          "fp16 there and back");
    check(std::isnan(v) ? std::isnan(to_float(from_float<BFloat16>(v)))
                        : from_float<BFloat16>(v).bits == bits,
          "bf16 there and back");
    // Halfway to the next value goes to the even one, a little more goes up.
    const std::uint32_t magnitude = bits & 0x7fff;
    if (magnitude < 0x7bff) {
      const float next = to_float(Half{static_cast<std::uint16_t>(bits + 1)});
      const float middle = h + (next - h) / 2.0f;
      const std::uint16_t even = static_cast<std::uint16_t>(bits % 2 == 0 ? bits : bits + 1);
      check(from_float<Half>(middle).bits == even, "fp16 rounds ties to even");
      check(from_float<Half>(std::nextafter(middle, next)).bits == bits + 1, "fp16 rounds up");
    }
  }
  check(to_float(Half{0x3c00}) == 1.0f && to_float(Half{0x0001}) == std::ldexp(1.0f, -24),
        "fp16 values");
  check(from_float<Half>(65519.0f).bits == 0x7bff && from_float<Half>(65520.0f).bits == 0x7c00,
        "fp16 overflows to infinity");
  check(from_float<Half>(-1e30f).bits == 0xfc00 && from_float<Half>(1e-30f).bits == 0, "fp16 ends");
  check(from_float<BFloat16>(FLT_MAX).bits == 0x7f80, "bf16 overflows to infinity");
  check(from_float<BFloat16>(1.00390625f).bits == 0x3f80, "bf16 rounds ties to even");
  check(from_float<BFloat16>(float_from_bits(0x7f800001u)).bits != 0x7f80, "bf16 keeps NaN");
  float first;
  float second;
  unpack_pair<Half>(pack_pair<Half>(1.5f, -2.0f), first, second);
  check(first == 1.5f && second == -2.0f, "pairs");
}

void test_indexing() {
  std::int64_t product = 0;
  check(checked_multiply(1 << 20, 1 << 20, product) && product == INT64_C(1) << 40, "multiply");
  check(!checked_multiply(INT64_C(1) << 32, INT64_C(1) << 31, product), "multiply overflows");
  check(checked_multiply(0, INT64_MAX, product) && product == 0, "multiply by nothing");
  check(check_shape({1, 2, 3, 4}, 4) == ShapeError::kNone, "shape");
  check(check_shape({0, 2, 3, 4}, 4) == ShapeError::kNone && is_empty({0, 2, 3, 4}), "empty shape");
  check(check_shape({1, -2, 3, 4}, 4) == ShapeError::kNegative, "negative shape");
  check(check_shape({1, 1, INT64_C(1) << 31, 1}, 4) == ShapeError::kTooLarge, "too many rows");
  check(check_shape({INT64_C(1) << 40, 1 << 20, 2, 1}, 2) == ShapeError::kTooLarge, "too large");
  check(check_shape({INT64_MAX, INT64_MAX, 0, 1}, 2) == ShapeError::kTooLarge, "empty, too large");
  // Against the definition: Y[n, d*C + c].
  const std::int64_t channels = 5;
  for (std::int64_t n = 0; n < 3; ++n) {
    for (std::int64_t c = 0; c < channels; ++c) {
      for (int d = 0; d < kDirections; ++d) {
        check(output_plane(n * channels + c, channels, d) == n * 4 * channels + d * channels + c,
              "output plane");
        check(parameter_index(n * channels + c, channels, d) == d * channels + c, "parameter");
      }
    }
  }
}

void test_strategy() {
  const auto forward = [](Shape shape, std::int64_t element_size, int multiprocessors) {
    return choose_strategy(shape, streaming_warps(shape, element_size), multiprocessors);
  };
  check(forward({8, 64, 512, 512}, 2, 132) == Strategy::kStreaming, "many lines stream");
  check(forward({1, 1, 2048, 2048}, 4, 132) == Strategy::kChunked, "few long lines");
  check(forward({1, 32, 128, 128}, 4, 132) == Strategy::kChunked, "small on a large device");
  check(forward({1, 32, 128, 128}, 4, 8) == Strategy::kStreaming, "small on a small one");
  check(forward({1, 1, 16, 16}, 4, 132) == Strategy::kStreaming, "lines too short to cut");

  const auto backward = [](Shape shape, std::int64_t element_size, int multiprocessors) {
    return choose_strategy(shape, streaming_backward_warps(shape, element_size), multiprocessors);
  };
  check(backward({8, 64, 512, 512}, 2, 132) == Strategy::kStreaming, "many lines stream back");
  check(backward({1, 32, 512, 512}, 4, 132) == Strategy::kChunked, "few lines back");
  check(backward({1, 32, 512, 512}, 4, 8) == Strategy::kStreaming, "the same on a small device");
}

// Of a benchmark: nothing is timed from the cache, and small launches are timed together.
void test_bench_support() {
  for (std::size_t cache : {std::size_t{2} << 20, std::size_t{50} << 20, std::size_t{128} << 20}) {
    for (std::size_t set : {std::size_t{1} << 20, std::size_t{10} << 20, std::size_t{1} << 30}) {
      const std::size_t others = (rotation_size(set, cache) - 1) * set;
      check(set + others > 2 * cache, "a rotation is larger than the cache");
    }
  }
  check(batch_size(5000.0) == 1, "a long run is timed alone");
  check(batch_size(0.0) == kLargestBatch && batch_size(NAN) == kLargestBatch, "a time of nothing");
  for (double microseconds : {5.0, 20.0, 300.0, 999.0}) {
    const int count = batch_size(microseconds);
    check(count * microseconds > kBatchMicroseconds, "a batch is long");
    check((count - 1) * microseconds <= kBatchMicroseconds, "and no longer than needed");
  }
}

}  // namespace

int main() {
  test_dtype();
  test_step();
  test_composition();
  test_backward_composition();
  test_indexing();
  test_strategy();
  test_bench_support();
  std::printf("%d checks, %d failed\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
