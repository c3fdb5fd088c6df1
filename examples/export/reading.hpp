// What the standard library of C++ does not read: a WAV file, and a list of texts in JSON.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

// The mean of the channels of a WAV file of 16 bits, on a machine that is little-endian, as almost all are.
inline std::vector<float> read_wav(const std::filesystem::path& path, uint32_t rate) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(12);
  char name[4];
  uint32_t size;
  struct { uint16_t kind, channels; uint32_t rate, bytes_per_second; uint16_t bytes_per_frame, bits; } format = {};
  std::vector<float> waveform;
  while (file.read(name, 4) && file.read(reinterpret_cast<char*>(&size), 4)) {
    const auto next = file.tellg() + std::streamoff(size + size % 2);
    if (!std::memcmp(name, "fmt ", 4)) file.read(reinterpret_cast<char*>(&format), sizeof format);
    if (!std::memcmp(name, "data", 4) && format.bits == 16 && format.rate == rate) {
      std::vector<int16_t> values(size / 2);
      file.read(reinterpret_cast<char*>(values.data()), size);
      waveform.assign(values.size() / format.channels, 0.0f);
      for (size_t i = 0; i < waveform.size() * format.channels; i++)
        waveform[i / format.channels] += values[i] / 32768.0f / format.channels;
    }
    file.seekg(next);
  }
  if (waveform.empty())
    throw std::runtime_error(path.string() + ": must have 16 bits at " + std::to_string(rate) + " Hz");
  return waveform;
}

// The texts of a JSON list, in UTF-8.
inline std::vector<std::string> read_list(const std::string& json) {
  std::vector<std::string> texts;
  bool inside = false;
  for (size_t i = 0; i < json.size(); i++) {
    if (json[i] == '"') {
      if ((inside = !inside)) texts.emplace_back();
    } else if (inside) {
      texts.back() += json[i] == '\\' ? json[++i] : json[i];
    }
  }
  return texts;
}
