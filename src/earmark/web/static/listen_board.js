// Files dropped on the page: each is sent, heard and shown. Its sound stays in the browser.

import TrackView, { clock } from "/static/track_view.js";
import WhyView from "/static/why_view.js";

const AT_ONCE = 2; // files under way
const PAUSE = 3000; // milliseconds, when the server is busy

export default {
  components: { TrackView, WhyView },
  props: { colours: Object, accept: String, styles: Array },
  template: `
    <section>
      <label class="em-drop" :class="{ 'em-over': over }" @dragover.prevent="over = true" @dragleave="over = false"
        @drop.prevent="drop">
        <input type="file" multiple :accept="accept" @change="add($event.target.files); $event.target.value = ''">
        <strong>Drop music here</strong><span>or choose files. Nothing leaves this machine.</span>
      </label>
      <p role="status" class="em-status" v-if="items.length">{{ status }}</p>
      <article v-for="item in items" :key="item.id" class="em-card" :data-state="item.state">
        <header>
          <h2>{{ item.name }}</h2>
          <span v-if="item.state === 'heard'" class="em-headline">{{ item.answer.headline }}</span>
          <button type="button" @click="remove(item)" :aria-label="'remove ' + item.name">✕</button>
        </header>
        <progress v-if="['waiting', 'sending', 'hearing'].includes(item.state)" :value="item.sent" max="1"
          :aria-label="item.state + ' ' + item.name"></progress>
        <p v-if="item.state === 'failed'" class="em-error" role="alert">{{ item.problem }}</p>
        <template v-if="item.state === 'heard'">
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
          <track-view :src="item.url" :name="item.name" :peaks="item.answer.waveform.peaks"
            :bins="item.answer.waveform.bins" :duration="item.answer.duration" :segments="item.answer.segments"
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
          <why-view address="/api/why" :body="item" :colour="colours[item.answer.styles[0].style]"></why-view>
        </template>
      </article>
    </section>`,
  data: () => ({ items: [], over: false, next: 0 }),
  computed: {
    status() {
      const count = (state) => this.items.filter((item) => item.state === state).length;
      const [heard, failed] = [count("heard"), count("failed")];
      const open = this.items.length - heard - failed;
      return `${heard} heard` + (failed ? `, ${failed} could not be heard` : "") + (open ? `, ${open} to go` : "");
    },
  },
  methods: {
    facts(answer) {
      const facts = [["length", clock(answer.duration)]];
      if (answer.family) facts.push(["family", `${answer.family.family} ${answer.family.probability.toFixed(2)}`]);
      if (answer.rhythm) facts.push(["tempo", `${answer.rhythm.bpm.toFixed(2)} BPM`]);
      if (answer.key) facts.push(["key", `${answer.key.name} ${answer.key.camelot}`]);
      if (answer.loudness && answer.loudness.integrated !== null)
        facts.push(["loudness", `${answer.loudness.integrated.toFixed(1)} LUFS`]);
      return facts;
    },
    drop(event) {
      this.over = false;
      this.add(event.dataTransfer.files);
    },
    add(files) {
      for (const file of files) {
        const item = { id: this.next++, name: file.name, state: "waiting", sent: 0, problem: "", answer: null, said: "", alike: null };
        this.items.push(item);
        Object.defineProperty(item, "file", { value: file });
      }
      this.proceed();
    },
    remove(item) {
      if (item.url) URL.revokeObjectURL(item.url);
      this.items = this.items.filter((each) => each.id !== item.id);
    },
    proceed() {
      const under = this.items.filter((item) => ["sending", "hearing"].includes(item.state)).length;
      for (const item of this.items.filter((each) => each.state === "waiting").slice(0, AT_ONCE - under)) this.send(item);
    },
    send(item) {
      const request = new XMLHttpRequest();
      const form = new FormData();
      form.append("file", item.file);
      item.state = "sending";
      request.open("POST", "/api/listen?top=5&detail=true&waveform=true");
      request.responseType = "json";
      request.upload.onprogress = (event) => (item.sent = event.total ? event.loaded / event.total : 0);
      request.upload.onload = () => (item.state = "hearing");
      request.onerror = () => this.fail(item, "the server does not answer");
      request.onload = () => {
        if (request.status === 200) {
          item.url = URL.createObjectURL(item.file);
          item.answer = request.response;
          item.state = "heard";
        } else if (request.status === 429) {
          item.state = "paused";
          setTimeout(() => {
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
      const answer = await fetch("/api/corrections", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ track: item.answer.track, style }),
      });
      item.said = answer.ok ? `noted for Teach: ${style}` : (await answer.json()).detail;
    },
    async compare(item) {
      const form = new FormData();
      form.append("file", item.file);
      const answer = await fetch("/api/similar", { method: "POST", body: form });
      const found = await answer.json();
      if (answer.ok) item.alike = found;
      else item.said = found.detail;
    },
    fail(item, problem) {
      item.problem = problem;
      item.state = "failed";
      this.proceed();
    },
  },
};
