// Names the styles of an audio file with an exported model.
import * as ort from "onnxruntime-web";
import { metadata } from "./metadata.js";

ort.env.wasm.numThreads = 1; // more of them need a page that is cross-origin isolated

export async function open(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status} ${answer.statusText}`);
  const file = new Uint8Array(await answer.arrayBuffer());
  return { about: metadata(file), session: await ort.InferenceSession.create(file) };
}

export async function hear({ about, session }, encoded) {
  const rate = Number(about.sample_rate);
  const [window, hop, shortest] = ["window", "hop", "shortest"].map((key) => Math.round(about[key] * rate)); // samples
  const audio = await new OfflineAudioContext(1, 1, rate).decodeAudioData(encoded); // at the rate of the model
  const waveform = new Float32Array(Math.max(audio.length, shortest)); // filled up with silence
  for (let channel = 0; channel < audio.numberOfChannels; channel++) {
    audio.getChannelData(channel).forEach((value, i) => (waveform[i] += value / audio.numberOfChannels));
  }

  const last = Math.max(0, waveform.length - window); // the last window ends with the track
  const windows = Math.ceil(last / hop) + 1;
  const styles = JSON.parse(about.styles).map((style) => ({ style, probability: 0 }));
  for (let i = 0; i < windows; i++) {
    const start = Math.min(i * hop, last);
    const part = waveform.slice(start, start + window);
    const { probabilities } = await session.run({ waveform: new ort.Tensor("float32", part, [1, part.length]) });
    styles.forEach((entry, k) => (entry.probability += probabilities.data[k] / windows));
  }
  styles.sort((one, other) => other.probability - one.probability);
  return { styles, unknown: styles[0].probability < Number(about.unknown_threshold) };
}
