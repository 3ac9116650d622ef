// What the fuzzers share. A program's `try_one` is libFuzzer's target where INPAINT_FUZZ is on;
// otherwise the program makes up so many inputs, 3000 if it is not told.
#ifndef INPAINT_TESTS_FUZZING_H_
#define INPAINT_TESTS_FUZZING_H_

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "inpaint_scan.h"

#define REQUIRE(condition)                                                                \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      std::printf("%s:%d: failed: %s (last error: %s)\n", __FILE__, __LINE__, #condition, \
                  inpaint_scan_last_error());                                             \
      std::fflush(stdout);                                                                \
      std::abort();                                                                       \
    }                                                                                     \
  } while (false)

void try_one(const uint8_t* data, size_t size);

// Decisions out of an input's bytes; zeros when they are used up.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  uint8_t byte() { return at_ < size_ ? data_[at_++] : 0; }
  bool once_in(int count) { return byte() % count == 1; }

  int64_t size(int64_t usual) {
    switch (byte() % 64) {
      case 1:
        return -1;
      case 2:
        return INT64_MAX;
      case 3:
        return INT64_MIN;
      case 4:
        return int64_t{1} << (byte() % 63);
      case 5:
        return byte();
      default:
        return usual;
    }
  }

 private:
  const uint8_t* data_;
  size_t size_;
  size_t at_ = 0;
};

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try_one(data, size);
  return 0;
}

#if !defined(INPAINT_FUZZ)
int main(int count, char** arguments) {
  const int inputs = count > 1 ? std::atoi(arguments[1]) : 3000;
  std::mt19937 random(0);
  for (int i = 0; i < inputs; ++i) {
    std::vector<uint8_t> input(random() % 100);
    // Mostly nothing out of the usual, or each call would be refused by its first tensor.
    for (uint8_t& value : input)
      value = static_cast<uint8_t>(random() % 8 ? 6 + random() % 8 : random());
    try_one(input.data(), input.size());
  }
  std::printf("%d inputs\n", inputs);
}
#endif

#endif  // INPAINT_TESTS_FUZZING_H_
