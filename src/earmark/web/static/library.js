// Rows of the library for the table, page by page, as the filters above it say.

const filters = () => {
  const found = new URLSearchParams();
  for (const field of document.querySelectorAll("[data-filter]")) {
    const value = field.type === "checkbox" ? (field.checked ? "true" : "") : field.value.trim();
    if (value) found.append(field.dataset.filter, value);
  }
  return found;
};

const say = (text) => {
  const place = document.getElementById("em-count");
  if (place) place.textContent = text;
};

window.earmark = {
  datasource: () => ({
    getRows: async (asked) => {
      const query = filters();
      query.set("start", asked.startRow);
      query.set("limit", asked.endRow - asked.startRow);
      const sorted = asked.sortModel[0];
      if (sorted) {
        query.set("sort", sorted.colId);
        query.set("descending", sorted.sort === "desc");
      }
      const began = performance.now();
      const answer = await fetch(`/api/tracks/rows?${query}`);
      const found = await answer.json();
      if (!answer.ok) {
        say(typeof found.detail === "string" ? found.detail : "these conditions cannot be understood");
        asked.successCallback([], 0);
        return;
      }
      window.earmark.took = performance.now() - began;
      say(`${found.count.toLocaleString()} track${found.count === 1 ? "" : "s"}`);
      asked.successCallback(found.rows, found.count);
    },
  }),
};

let wait;
document.addEventListener("input", (event) => {
  if (!event.target.dataset.filter) return;
  clearTimeout(wait);
  wait = setTimeout(() => {
    const grid = getElement(Number(document.querySelector(".em-grid").id.slice(1)));
    grid.api.setGridOption("datasource", window.earmark.datasource());
  }, 120);
});
