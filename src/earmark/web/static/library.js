// Rows of the library for the table, page by page, as the filters above it say.

const filters = () => {
  const found = new URLSearchParams();
  for (const field of document.querySelectorAll("[data-filter]")) {
    const value = field.type === "checkbox" ? (field.checked ? "true" : "") : field.value.trim();
    if (value) found.append(field.dataset.filter, value);
  }
  return found;
};

// The filters stand in the address, so that a reload, a bookmark and the way back find them again.
const remember = () => {
  const query = filters().toString();
  history.replaceState(history.state, "", query ? `?${query}` : location.pathname);
};

const restore = () => {
  for (const [name, value] of new URLSearchParams(location.search)) {
    const field = document.querySelector(`[data-filter="${CSS.escape(name)}"]`);
    if (!field) continue;
    if (field.type === "checkbox") field.checked = value === "true";
    else field.value = value;
  }
};

const say = (text) => {
  const place = document.getElementById("em-count");
  if (place) place.textContent = text;
};

let restored = false;

window.earmark = {
  datasource: () => ({
    getRows: async (asked) => {
      if (!restored) restore();
      restored = true;
      const query = filters();
      query.set("start", asked.startRow);
      query.set("limit", asked.endRow - asked.startRow);
      const sorted = asked.sortModel[0];
      if (sorted) {
        query.set("sort", sorted.colId);
        query.set("descending", sorted.sort === "desc");
      }
      const began = performance.now();
      const answer = await fetch(`/api/tracks/rows?${query}`).catch(() => null);
      const found = answer && (await answer.json().catch(() => ({})));
      if (!answer) {
        say("the server does not answer");
        asked.failCallback();
        return;
      }
      if (!answer.ok) {
        const empty = answer.status === 404;
        const problem = typeof found.detail === "string" ? found.detail : "these conditions cannot be understood";
        say(empty ? "Nothing was heard yet: press Scan, and the table fills while it listens." : problem);
        asked.successCallback([], 0);
        return;
      }
      window.earmark.took = performance.now() - began;
      say(`${found.count.toLocaleString("en")} track${found.count === 1 ? "" : "s"}`);
      asked.successCallback(found.rows, found.count);
    },
  }),
};

let wait;
document.addEventListener("input", (event) => {
  if (!event.target.dataset.filter) return;
  clearTimeout(wait);
  wait = setTimeout(() => {
    remember();
    const grid = getElement(Number(document.querySelector(".em-grid").id.slice(1)));
    grid.api.setGridOption("datasource", window.earmark.datasource());
  }, 120);
});
