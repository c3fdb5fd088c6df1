// What the audit found: genre tags that disagree with what was heard, and recordings that are there twice, side by side.

export default {
  props: { found: Object },
  template: `
    <section class="em-card" aria-label="audit" v-if="found">
      <h2>Audit</h2>
      <p>{{ summary }}</p>
      <ul class="em-alike" v-if="disagreements.length" aria-label="doubtful genre tags">
        <li v-for="each in disagreements" :key="each.path"><b>{{ name(each.path) }}</b>
          <audio v-for="id in each.tracks" :key="id" controls preload="none" :src="'/api/tracks/' + id + '/sound'"
            :aria-label="name(each.path)"></audio>
          <span>its tag says {{ each.tag.join("; ") }}, it sounds like {{ each.heard }} {{ each.probability.toFixed(2) }}
          </span></li></ul>
      <ul class="em-alike" v-if="copies.length" aria-label="copies">
        <li v-for="(group, index) in copies" :key="index"><span>{{ group.identical ? "same content" : "same recording" }}</span>
          <span v-for="(path, at) in group.paths" :key="path"><b>{{ path }}</b>
            <audio controls preload="none" v-if="group.tracks[at]" :aria-label="path"
              :src="'/api/tracks/' + group.tracks[at] + '/sound'"></audio></span></li></ul>
    </section>`,
  computed: {
    disagreements() {
      return (this.found.disagreements || []).slice(0, 200);
    },
    copies() {
      return this.found.duplicates || [];
    },
    summary() {
      const counts = this.found.counts || {};
      return `${(this.found.disagreements || []).length} tags disagree, ${counts.agreed || 0} agree; ` +
        `${this.copies.length} recordings are there more than once.`;
    },
  },
  methods: {
    name: (path) => path.split("/").pop(),
  },
};
