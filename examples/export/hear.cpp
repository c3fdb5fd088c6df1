// Names the styles of a WAV file with an exported model: hear MODEL.onnx TRACK.wav
#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "reading.hpp"

int main(int count, char** arguments) try {
  if (count != 3) throw std::runtime_error("hear MODEL.onnx TRACK.wav");
  Ort::Env environment;
  Ort::Session session(environment, std::filesystem::path(arguments[1]).c_str(), Ort::SessionOptions());
  Ort::AllocatorWithDefaultOptions allocator;
  auto about = [&](const char* key) {
    auto value = session.GetModelMetadata().LookupCustomMetadataMapAllocated(key, allocator);
    if (!value) throw std::runtime_error(std::string("the model does not say its ") + key);
    return std::string(value.get());
  };
  const double rate = std::stod(about("sample_rate"));
  auto samples = [&](const char* key) { return size_t(std::lround(std::stod(about(key)) * rate)); };

  auto waveform = read_wav(arguments[2], uint32_t(rate));
  waveform.resize(std::max(waveform.size(), samples("shortest")));  // filled up with silence
  const size_t window = std::min(samples("window"), waveform.size()), hop = samples("hop");
  const size_t last = waveform.size() - window;  // the last window ends with the track
  const size_t windows = (last + hop - 1) / hop + 1;

  std::vector<std::pair<double, std::string>> heard;
  for (const auto& style : read_list(about("styles"))) heard.emplace_back(0.0, style);
  const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
  const int64_t shape[] = {1, int64_t(window)};
  const char *input = "waveform", *output = "probabilities";
  for (size_t i = 0; i < windows; i++) {
    auto part = Ort::Value::CreateTensor(memory, &waveform[std::min(i * hop, last)], window, shape, 2);
    auto result = session.Run(Ort::RunOptions(), &input, &part, 1, &output, 1);
    for (size_t k = 0; k < heard.size(); k++) heard[k].first += result[0].GetTensorData<float>()[k] / double(windows);
  }

  std::sort(heard.rbegin(), heard.rend());
  for (size_t k = 0; k < std::min<size_t>(3, heard.size()); k++)
    std::printf("%.4f  %s\n", heard[k].first, heard[k].second.c_str());
  if (heard[0].first < std::stod(about("unknown_threshold"))) std::puts("unlike anything the model knows");
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
