// What the audit found: genre tags that disagree with what was heard, and recordings that are there twice, side by side.

export default {
  props: { found: Object },
  template: `
    <section class="em-card" aria-label="audit" v-if="found">
      <h2>Audit</h2>
      <p>{{ summary }}</p>
      <ul class="em-alike" v-if="disagreements.length" aria-label="doubtful genre tags">
        <li v-for="each in disagreements" :key="each.path"><b>{{ name(each.path) }}</b>
          <span>its tag says {{ each.tag.join("; ") }}, it sounds like {{ each.heard }} {{ each.probability.toFixed(2) }}
          </span></li></ul>
      <ul class="em-alike" v-if="copies.length" aria-label="copies">
        <li v-for="(group, index) in copies" :key="index"><span>{{ group.identical ? "same content" : "same recording" }}</span>
          <b v-for="path in group.paths" :key="path">{{ path }}</b></li></ul>
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
