// Files dropped on the page: each is sent, heard and shown. Its sound stays in the browser.

import { ask } from "/static/ask.js";
import TrackView, { clock } from "/static/track_view.js";
import WhyView from "/static/why_view.js";

const AT_ONCE = 2; // files under way
const AT_MOST = 100; // files of a folder at once; for more there is the library
const SHOWN = 3; // files whose whole answer is shown; of more, each opens on demand
const PAUSE = 3000; // milliseconds, when the server is busy

const suffix = (name) => name.slice(name.lastIndexOf(".")).toLowerCase();

// The files of something that was dropped: itself, or all that lie in it; those are marked as `inside`.
async function filesOf(item) {
  const entry = item.webkitGetAsEntry && item.webkitGetAsEntry();
  return entry && entry.isDirectory ? filesIn(entry) : [item.getAsFile()];
}

async function filesIn(folder) {
  const reader = folder.createReader();
  const found = [];
  for (;;) {
    const entries = await new Promise((ready, failed) => reader.readEntries(ready, failed)); // at most 100 at once
    if (!entries.length) return found;
    for (const entry of entries) {
      if (entry.name.startsWith(".")) continue;
      if (entry.isDirectory) found.push(...(await filesIn(entry)));
      else found.push(Object.assign(await new Promise((ready, failed) => entry.file(ready, failed)), { inside: true }));
    }
  }
}

export default {
  components: { TrackView, WhyView },
  props: { colours: Object, accept: String, styles: Array },
  template: `
    <section>
      <label class="em-drop" :class="{ 'em-over': over }">
        <input type="file" multiple :accept="accept" @change="add($event.target.files); $event.target.value = ''">
        <strong>Drop music here</strong><span>files or whole folders, or click to choose. Nothing leaves this machine.</span>
      </label>
      <details class="em-browse" @toggle="$event.target.open && !place && look('')">
        <summary>or choose from your folders</summary>
        <div class="em-row" v-if="place">
          <button type="button" class="em-button" v-if="place.above !== null" @click="look(place.above)">↑ up</button>
          <b>{{ place.folder }}</b>
          <button type="button" class="em-button em-strong" v-if="place.files.length" @click="addFolder">{{ listenTo }}</button>
        </div>
        <ul class="em-chips" v-if="place"><li v-for="each in place.folders" :key="each.path">
          <button type="button" class="em-button" @click="look(each.path)">📁 {{ each.name }}</button></li>
          <li v-for="each in place.files" :key="each.path">
          <button type="button" class="em-button" @click="addPaths([each])">♪ {{ each.name }}</button></li></ul>
        <p v-if="place && !place.folders.length && !place.files.length" class="em-dim">There is no music here.</p>
        <p v-if="astray" class="em-error" role="alert">{{ astray }}</p>
      </details>
      <section v-if="!items.length" class="em-card em-known" aria-label="what it tells">
        <p>It tells which style a track is, how sure it is of that, where in the track, and why; and tempo, beats, key and
          loudness. It knows:</p>
        <ul class="em-legend"><li v-for="style in styles" :key="style"><i :style="{ background: colours[style] }"></i>{{ style }}
          </li></ul>
      </section>
      <p role="status" class="em-status" v-if="items.length">{{ status }}</p>
      <article v-for="item in items" :key="item.id" class="em-card" :data-state="item.state"
        :style="item.answer ? { '--em-style': colours[item.answer.styles[0].style] || '#888' } : {}">
        <header>
          <h2 dir="auto">{{ item.name }}</h2>
          <span v-if="item.state === 'heard'" class="em-headline">{{ item.answer.headline }}</span>
          <span v-if="item.answer && !item.open" class="em-said"><span v-for="[name, value] in music(item.answer)"
            :key="name">{{ value }}</span></span>
          <button type="button" class="em-button" v-if="item.state === 'heard'" @click="item.open = !item.open"
            :aria-expanded="item.open" :aria-label="(item.open ? 'less of ' : 'more of ') + item.name">
            {{ item.open ? "Less" : "More" }}</button>
          <button type="button" @click="remove(item)" :aria-label="'remove ' + item.name">✕</button>
        </header>
        <progress v-if="['waiting', 'sending', 'hearing'].includes(item.state)" :value="item.sent" max="1"
          :aria-label="item.state + ' ' + item.name"></progress>
        <p v-if="item.state === 'failed'" class="em-error" role="alert">{{ item.problem }}</p>
        <template v-if="item.state === 'heard' && item.open">
          <ul class="em-bars">
            <li v-for="style in item.answer.styles" :key="style.style">
              <span>{{ style.style }}</span>
              <span class="em-bar"><i :style="{ width: style.probability * 100 + '%',
                background: colours[style.style] || '#888' }"></i></span>
              <b>{{ style.probability.toFixed(2) }}</b>
            </li>
          </ul>
          <dl class="em-facts">
            <div v-for="[name, value] in facts(item.answer)" :key="name"><dt>{{ name }}</dt><dd>{{ value }}</dd></div>
          </dl>
          <p v-for="warning in item.answer.warnings" class="em-error">{{ warning }}</p>
          <track-view :src="item.url" :name="item.name" :outline="item.answer.waveform"
            :duration="item.answer.duration" :segments="item.answer.segments"
            :beats="item.answer.rhythm ? item.answer.rhythm.beats : []"
            :downbeats="item.answer.rhythm ? item.answer.rhythm.downbeats : []" :colours="colours"></track-view>
          <div class="em-row">
            <label v-if="item.answer.track" class="em-other">this is wrong, it is
              <select @change="correct(item, $event.target.value)"><option value=""></option>
                <option v-for="style in styles" :key="style">{{ style }}</option></select></label>
            <span v-if="item.said" role="status">{{ item.said }}</span>
            <button type="button" class="em-button" v-if="!item.alike" @click="compare(item)">What sounds alike?</button>
          </div>
          <ul v-if="item.alike" class="em-alike" aria-label="tracks of the library that sound alike">
            <li v-for="track in item.alike" :key="track.id"><audio controls preload="none"
              :src="'/api/tracks/' + track.id + '/sound'" :aria-label="title(track)"></audio>
              <b>{{ title(track) }}</b><span>{{ track.why.text }}</span></li></ul>
          <why-view :address="item.path ? '/api/files/why?path=' + encoded(item.path) : '/api/why'"
            :body="item.path ? null : item" :colour="colours[item.answer.styles[0].style]"></why-view>
        </template>
      </article>
    </section>`,
  data: () => ({ items: [], over: false, next: 0, place: null, astray: "" }),
  computed: {
    listenTo() {
      const count = this.place.files.length;
      return count > AT_MOST ? `Listen to the first ${AT_MOST} of ${count} files` : `Listen to ${count} file${count > 1 ? "s" : ""}`;
    },
    status() {
      const count = (state) => this.items.filter((item) => item.state === state).length;
      const [heard, failed] = [count("heard"), count("failed")];
      const open = this.items.length - heard - failed;
      return `${heard} heard` + (failed ? `, ${failed} could not be heard` : "") + (open ? `, ${open} to go` : "");
    },
  },
  mounted() {
    for (const type of ["dragover", "dragleave"]) window.addEventListener(type, this.drag);
    window.addEventListener("drop", this.drop);
  },
  unmounted() {
    for (const type of ["dragover", "dragleave"]) window.removeEventListener(type, this.drag);
    window.removeEventListener("drop", this.drop);
  },
  methods: {
    encoded: encodeURIComponent,
    async look(folder) {
      this.astray = "";
      try {
        this.place = await ask("/api/files?folder=" + encodeURIComponent(folder));
      } catch (error) {
        this.astray = error.message;
      }
    },
    addFolder() {
      this.addPaths(this.place.files.slice(0, AT_MOST));
    },
    addPaths(files) {
      for (const each of files) this.put(each.name, { path: each.path });
      this.proceed();
    },
    facts(answer) {
      const family = answer.family; // beside a style or a family that is said; beside another answer it says nothing
      const said = family.family === answer.answer.family;
      return [
        ["length", clock(answer.duration)],
        ...(said ? [["family", `${family.family} ${family.probability.toFixed(2)}`]] : []),
        ...this.music(answer),
      ];
    },
    music(answer) {
      const facts = [];
      if (answer.rhythm) facts.push(["tempo", `${answer.rhythm.bpm.toFixed(2)} BPM`]);
      if (answer.key) facts.push(["key", `${answer.key.name} ${answer.key.camelot}`]);
      if (answer.loudness && answer.loudness.integrated !== null)
        facts.push(["loudness", `${answer.loudness.integrated.toFixed(1)} LUFS`]);
      return facts;
    },
    // Files and folders that are dropped anywhere on the page; beside the field, a browser would leave the page for them.
    async drop(event) {
      event.preventDefault();
      this.over = false;
      const found = await Promise.all([...event.dataTransfer.items].filter((each) => each.kind === "file").map(filesOf));
      const sounds = this.accept.split(",");
      this.add(found.flat().filter((file) => file && (!file.inside || sounds.includes(suffix(file.name)))));
    },
    drag(event) {
      event.preventDefault();
      this.over = event.type === "dragover";
    },
    add(files) {
      for (const file of files) this.put(file.name, { file });
      this.proceed();
    },
    put(name, { file, path }) {
      const item = { id: this.next++, name, path, state: "waiting", sent: 0, problem: "", answer: null, said: "", alike: null, open: false,
        request: null };
      this.items.push(item);
      Object.defineProperty(item, "file", { value: file });
    },
    remove(item) {
      if (item.url && !item.path) URL.revokeObjectURL(item.url);
      if (item.request) item.request.abort();
      this.items = this.items.filter((each) => each.id !== item.id);
    },
    proceed() {
      const under = this.items.filter((item) => ["sending", "hearing"].includes(item.state)).length;
      for (const item of this.items.filter((each) => each.state === "waiting").slice(0, AT_ONCE - under)) this.send(item);
    },
    send(item) {
      const request = (item.request = new XMLHttpRequest());
      const form = item.path ? null : new FormData();
      if (form) form.append("file", item.file);
      item.state = form ? "sending" : "hearing";
      const asked = "top=5&detail=true&waveform=true";
      if (form) request.open("POST", "/api/listen?" + asked);
      else request.open("GET", `/api/files/listen?${asked}&path=${encodeURIComponent(item.path)}`);
      request.responseType = "json";
      request.upload.onprogress = (event) => (item.sent = event.total ? event.loaded / event.total : 0);
      request.upload.onload = () => (item.state = "hearing");
      request.onerror = () => this.fail(item, "the server does not answer");
      request.onload = () => {
        if (request.status === 200) {
          item.url = form ? URL.createObjectURL(item.file) : "/api/files/sound?path=" + encodeURIComponent(item.path);
          item.answer = request.response;
          item.state = "heard";
          item.open = this.items.length <= SHOWN;
        } else if (request.status === 429) {
          item.state = "paused";
          setTimeout(() => {
            if (!this.items.some((each) => each.id === item.id)) return;
            item.state = "waiting";
            this.proceed();
          }, PAUSE);
        } else this.fail(item, (request.response && request.response.detail) || `the answer is ${request.status}`);
        this.proceed();
      };
      request.send(form);
    },
    title(track) {
      const { artist, title } = track.tags;
      return artist && title ? `${artist} – ${title}` : track.path.split("/").pop();
    },
    async correct(item, style) {
      if (!style) return;
      const noted = ask("/api/corrections", { track: item.answer.track, style });
      item.said = await noted.then(() => `noted for Teach: ${style}`, (error) => error.message);
    },
    async compare(item) {
      const form = item.path ? null : new FormData();
      if (form) form.append("file", item.file);
      const asked = form ? ask("/api/similar", form) : ask("/api/files/similar?path=" + encodeURIComponent(item.path));
      await asked.then((found) => (item.alike = found), (error) => (item.said = error.message));
    },
    fail(item, problem) {
      item.problem = problem;
      item.state = "failed";
      this.proceed();
    },
  },
};
