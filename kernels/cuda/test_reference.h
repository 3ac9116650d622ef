// The definition, element by element, with a bound on the rounding error of any fp32 evaluation.
//
// With |w| > 1 a scan amplifies its own rounding, so no fixed tolerance fits: some elements agree
// to the last bit, and some, where large states cancelled, to none. The bound is carried along the
// line instead: a step adds a few roundings of what it adds up, multiplies the error it was given
// by |w|, and loses all error where the relu cuts even the largest value within the bound. Chunks
// composed as clamps obey a bound of the same form; kRounding is large enough for both.
//
// A compiler may contract w*h + c into one operation that rounds once, as nvcc does unless it is
// told otherwise. Where w*h alone overflows, the two forms differ in more than rounding: beside an
// infinity of the other sign one is NaN and the other is not. Either is right.
#pragma once

#include <cfloat>
#include <cmath>
#include <cstdint>
#include <vector>

#include "../common/indexing.h"

namespace inpaint {
namespace scan {
namespace reference {

constexpr double kUnit = 1.0 / (1 << 24);  // half an ulp at 1, fp32
constexpr double kRounding = 16.0 * kUnit;
constexpr float kAddable = 1e34f;  // a few thousand of these stay finite in fp32

struct Line {
  std::int64_t x;       // index of the first element in scan order, in X
  std::int64_t y;       // the same, in Y
  std::int64_t stride;  // from one element to the next in scan order
  int length;
  std::int64_t parameter;
};

// Calls visit(Line) for every line of every direction.
template <class Visit>
void for_each_line(const Shape& s, Visit&& visit) {
  for (std::int64_t plane = 0; plane < s.n * s.c; ++plane) {
    const std::int64_t image = plane / s.c;
    const std::int64_t channel = plane % s.c;
    for (int d = 0; d < kDirections; ++d) {
      const std::int64_t x0 = plane * s.h * s.w;
      const std::int64_t y0 = ((image * kDirections + d) * s.c + channel) * s.h * s.w;
      const bool vertical = d == kUp || d == kDown;
      const bool back = d == kUp || d == kLeft;
      const std::int64_t lines = vertical ? s.w : s.h;
      const int length = static_cast<int>(vertical ? s.h : s.w);
      for (std::int64_t i = 0; i < lines; ++i) {
        std::int64_t first = vertical ? i : i * s.w;
        std::int64_t stride = vertical ? s.w : 1;
        if (back) {
          first += stride * (length - 1);
          stride = -stride;
        }
        visit(Line{x0 + first, y0 + first, stride, length, d * s.c + channel});
      }
    }
  }
}

// A value step by step in fp32, which decides infinities and NaN, in both of the forms.
struct Fp32 {
  float separate = 0.0f;
  float contracted = 0.0f;

  void set(float value) { separate = contracted = value; }
  void multiply_add(float w, float c) {
    const volatile float product = w * separate;  // which no compiler contracts
    separate = product + c;
    contracted = std::fma(w, contracted, c);
  }
  void relu() {
    separate = separate <= 0.0f ? 0.0f : separate;
    contracted = contracted <= 0.0f ? 0.0f : contracted;
  }
  Fp32& operator+=(const Fp32& other) {
    separate += other.separate;
    contracted += other.contracted;
    return *this;
  }
  bool below(float limit) const {
    return std::fabs(separate) < limit && std::fabs(contracted) < limit;
  }
};

struct Forward {
  std::vector<Fp32> y;
  std::vector<double> exact;  // in double
  std::vector<double> error;  // bound on |fp32 - exact|
};

inline double relu(double v) { return v <= 0.0 ? 0.0 : v; }

inline Forward forward(const Shape& s, const std::vector<float>& x,
                       const std::vector<float>& weight, const std::vector<float>& bias) {
  Forward out;
  const std::size_t count = x.size() * kDirections;
  out.y.resize(count);
  out.exact.resize(count);
  out.error.resize(count);
  for_each_line(s, [&](const Line& line) {
    const float w = weight[line.parameter];
    const float b = bias[line.parameter];
    Fp32 h;
    double exact = 0.0;
    double error = 0.0;
    for (int i = 0; i < line.length; ++i) {
      const std::int64_t at = i * line.stride;
      const float xi = x[line.x + at];
      if (i == 0) {
        h.set(xi);
        exact = relu(xi);
        error = 0.0;
      } else {
        h.multiply_add(w, b + xi);
        const double value = static_cast<double>(w) * exact + b + xi;
        error = std::fabs(w) * error + kRounding * (std::fabs(w * exact) + std::fabs(value) +
                                                    std::fabs(b) + std::fabs(xi));
        // An infinity has no rounding error, and a relu that cuts leaves none.
        if (std::isinf(value) || value + error <= 0.0) error = 0.0;
        exact = relu(value);
      }
      h.relu();
      out.y[line.y + at] = h;
      out.exact[line.y + at] = exact;
      out.error[line.y + at] = error;
    }
  });
  return out;
}

struct Backward {
  std::vector<Fp32> fp32_x;  // grad_x
  std::vector<double> grad_x, grad_weight, grad_bias;
  std::vector<double> grad_x_error, grad_weight_error, grad_bias_error;
};

// y as the forward pass stored it. A sum with terms that may carry it past fp32's range has an
// infinite bound: what it comes to depends on the order of adding.
inline Backward backward(const Shape& s, const std::vector<float>& y,
                         const std::vector<float>& grad_y, const std::vector<float>& weight) {
  Backward out;
  const std::size_t count = static_cast<std::size_t>(s.n * s.c * s.h * s.w);
  const std::size_t weights = static_cast<std::size_t>(kDirections * s.c);
  out.fp32_x.assign(count, Fp32{});
  for (auto* v : {&out.grad_x, &out.grad_x_error}) v->assign(count, 0.0);
  for (auto* v : {&out.grad_weight, &out.grad_weight_error}) v->assign(weights, 0.0);
  for (auto* v : {&out.grad_bias, &out.grad_bias_error}) v->assign(weights, 0.0);
  for_each_line(s, [&](const Line& line) {
    const double w = weight[line.parameter];
    Fp32 fp32;
    double gradient = 0.0;
    double error = 0.0;
    for (int i = line.length - 1; i >= 0; --i) {
      const std::int64_t at = i * line.stride;
      const float h = y[line.y + at];
      const bool last = i == line.length - 1;
      if (!last) {
        // The sums are rounded once a step, and cannot exceed the sum of their terms' magnitudes.
        const double roundings = kRounding * (line.length - i + 8);
        out.grad_weight[line.parameter] += gradient * h;
        out.grad_weight_error[line.parameter] +=
            fp32.below(kAddable / std::fmax(1.0f, std::fabs(h)))
                ? error * std::fabs(h) + roundings * std::fabs(gradient * h)
                : INFINITY;
        out.grad_bias[line.parameter] += gradient;
        out.grad_bias_error[line.parameter] +=
            fp32.below(kAddable) ? error + roundings * std::fabs(gradient) : INFINITY;
      }
      if (h <= 0.0f) {
        fp32.set(0.0f);
        gradient = 0.0;
        error = 0.0;
      } else {
        const float g = grad_y[line.y + at];
        if (last) {
          fp32.set(g);
        } else {
          fp32.multiply_add(static_cast<float>(w), g);
        }
        error = std::fabs(w) * error + kRounding * (std::fabs(w * gradient) + std::fabs(g));
        gradient = last ? g : w * gradient + g;
      }
      out.fp32_x[line.x + at] += fp32;
      out.grad_x[line.x + at] += gradient;
      out.grad_x_error[line.x + at] += error + kRounding * std::fabs(gradient);
    }
  });
  return out;
}

}  // namespace reference
}  // namespace scan
}  // namespace inpaint
