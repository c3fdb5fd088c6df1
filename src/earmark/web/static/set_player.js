// A set that plays without a gap: tracks and the transitions between them, cut and joined on the sample.
//
// An item is a stretch of a WAV file of the server (44.1 kHz, two channels of 16 bits): { key, address, from, to, gain },
// from and to in samples, to = null for the end of the file. Pieces of items are fetched ahead and scheduled one after
// the other; all of them begin on whole samples of one clock, so that nothing is between them.

export const RATE = 44100;
const HEADER = 44; // bytes of a WAV file before its samples
const WIDTH = 4; // bytes of a sample of two channels
const PIECE = 4 * RATE; // samples that are fetched at once
const AHEAD = 12; // seconds that are scheduled ahead
const LATE = 0.15; // seconds from now, where something begins that was not scheduled
const LEVEL = 0.85; // of all: before the limiter of the transitions, tracks may be louder than full scale

// The items of a set: its tracks, and the transitions between them where they say where they join. Turns are those of
// /api/booth; gain is that of the last track.
export function itemsOf(turns, gain) {
  const items = [];
  let late = 0; // samples of the next transition that its track has played already
  turns.forEach((turn, index) => {
    const [came, went] = [turn, turns[index + 1]].map((each) => (each && each.transition && each.transition.joints) || null);
    if (!turn.track.id) return;
    if (came && items.length)
      items.push({
        key: `transition ${index}`, turn: index, address: `/api/booth/transitions/${turn.transition.number}/decoded`,
        from: Math.min(late, Math.round(came.seconds * RATE)), to: Math.round(came.seconds * RATE), gain: 0, joints: came,
      });
    const from = came && items.length ? Math.round(came.joined * RATE) : 0;
    const left = went ? Math.round(went.left * RATE) : null;
    late = left === null ? 0 : Math.max(0, from - left);
    items.push({
      key: `track ${index}`, turn: index, address: `/api/tracks/${turn.track.id}/decoded`, from,
      to: left === null ? null : Math.max(from, left), seconds: turn.track.duration,
      gain: came ? came.gains[1] : went ? went.gains[0] : index === turns.length - 1 ? gain : 0,
    });
  });
  return items;
}

export default class SetPlayer {
  // context: an AudioContext of RATE, or an OfflineAudioContext; changed: is called when playing begins or ends.
  constructor(context, changed = () => {}) {
    this.context = context;
    this.changed = changed;
    this.items = [];
    this.pieces = []; // scheduled: { key, from, count, at, node }, at in samples of the clock
    this.lengths = new Map(); // address -> samples
    this.ahead = AHEAD;
    this.playing = false;
    this.waiting = false;
    this.problem = "";
    this.turn = 0; // raised by each jump: what was fetched for an earlier one is not played
    this.out = context.createGain();
    this.out.gain.value = LEVEL;
    this.out.connect(context.destination);
  }

  // Samples from `from` to before `to` of a file, as an AudioBuffer; shorter at its end.
  async fetched(item, from, to) {
    const first = HEADER + WIDTH * from;
    const answer = await fetch(item.address, { headers: { range: `bytes=${first}-${HEADER + WIDTH * to - 1}` } });
    if (answer.status === 416) return null; // behind the end
    if (!answer.ok) throw new Error(((await answer.json().catch(() => null)) || {}).detail || `the answer is ${answer.status}`);
    const total = Number((answer.headers.get("content-range") || "").split("/")[1]);
    if (total) this.lengths.set(item.address, (total - HEADER) / WIDTH);
    const samples = new Int16Array(await answer.arrayBuffer());
    if (!samples.length) return null;
    const buffer = this.context.createBuffer(2, samples.length / 2, RATE);
    for (const side of [0, 1]) {
      const channel = buffer.getChannelData(side);
      for (let index = 0; index < channel.length; index++) channel[index] = samples[2 * index + side] / 32767;
    }
    return buffer;
  }

  // Play from a sample of an item on.
  async play(index, sample) {
    this.stop();
    const turn = this.turn;
    this.playing = true;
    this.problem = "";
    this.next = { index, sample: Math.max(this.items[index].from, Math.round(sample)), at: null };
    if (this.context.state === "suspended") await this.context.resume();
    this.changed();
    await this.run(turn);
  }

  async run(turn) {
    try {
      while (this.playing && turn === this.turn) await this.proceed(turn);
    } catch (error) {
      if (turn !== this.turn) return;
      this.problem = error.message;
      this.pause();
    }
  }

  // Schedule the next piece, or wait until it is time for that.
  async proceed(turn) {
    const now = this.context.currentTime;
    if (this.next.at !== null && this.next.at / RATE > now + this.ahead) {
      return new Promise((ready) => setTimeout(ready, 300));
    }
    const item = this.items[this.next.index];
    if (!item) {
      if (this.next.at === null || this.next.at / RATE <= now) return this.pause();
      return new Promise((ready) => setTimeout(ready, 200)); // the last item sounds on, and another one may come
    }
    const { index, sample } = this.next;
    const end = Math.min(sample + PIECE, item.to === null ? Infinity : item.to);
    this.waiting = this.next.at === null || this.next.at / RATE < now + 1;
    const buffer = end > sample ? await this.fetched(item, sample, end) : null;
    if (turn !== this.turn || this.next.index !== index || this.next.sample !== sample) return null; // meanwhile, a jump
    this.waiting = false;
    if (buffer) this.put(item, buffer, sample);
    if (!buffer || sample + buffer.length >= (item.to === null ? this.lengths.get(item.address) || Infinity : item.to)) {
      const after = this.items[index + 1];
      this.next = { index: index + 1, sample: after ? after.from : 0, at: this.next.at };
    }
    return null;
  }

  put(item, buffer, sample) {
    const soonest = Math.ceil((this.context.currentTime + LATE) * RATE);
    if (this.next.at === null || this.next.at < this.context.currentTime * RATE) this.next.at = soonest;
    const node = this.context.createBufferSource();
    const gain = this.context.createGain();
    gain.gain.value = 10 ** ((item.gain || 0) / 20);
    node.buffer = buffer;
    node.connect(gain).connect(this.out);
    node.start(this.next.at / RATE);
    const before = this.context.currentTime * RATE - RATE;
    this.pieces = this.pieces.filter((piece) => piece.at + piece.count > before);
    this.pieces.push({ key: item.key, from: sample, count: buffer.length, at: this.next.at, node });
    this.next = { ...this.next, sample: sample + buffer.length, at: this.next.at + buffer.length };
  }

  // What is heard now: the key of its item and the sample in its file; null while nothing is.
  position() {
    const now = this.context.currentTime * RATE;
    const piece = this.pieces.find((each) => each.at <= now && now < each.at + each.count);
    return piece ? { key: piece.key, sample: piece.from + now - piece.at } : null;
  }

  // Take other items; what plays goes on where its item still holds it, and is cut where its item now ends.
  update(items) {
    this.items = items;
    if (!this.playing || !this.pieces.length) return;
    const last = this.pieces[this.pieces.length - 1];
    const index = items.findIndex((item) => item.key === last.key);
    if (index < 0) {
      this.pause();
      return;
    }
    const item = items[index];
    const end = last.from + last.count;
    if (item.to === null || end < item.to) {
      if (this.next.index !== index) this.next = { index, sample: end, at: last.at + last.count };
      return;
    }
    const own = this.pieces.filter((piece) => piece.key === item.key);
    const heard = this.position();
    if (heard && heard.key === item.key && heard.sample >= item.to) {
      const after = items[index + 1]; // it plays on behind the place where it would have been left
      if (after) this.play(index + 1, after.from + heard.sample - item.to);
      return;
    }
    for (const piece of own) {
      const kept = Math.max(0, Math.min(piece.count, item.to - piece.from));
      if (kept < piece.count) piece.node.stop((piece.at + kept) / RATE);
      if (kept) this.next = { index: index + 1, sample: (items[index + 1] || { from: 0 }).from, at: piece.at + kept };
      piece.count = kept;
    }
    this.turn++; // a piece that is under way would come too late
    this.run(this.turn);
  }

  stop() {
    this.turn++;
    for (const piece of this.pieces) piece.node.stop();
    this.pieces = [];
  }

  pause() {
    this.at = this.position() || this.at;
    this.stop();
    this.playing = this.waiting = false;
    this.changed();
  }
}
