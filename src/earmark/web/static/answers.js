// What an answer of the server says to a person when it is no success.

const NOTHING = "Nothing was heard yet: scan a folder on the page Library first.";

export function problemOf(answer, found, otherwise = "the server cannot answer this") {
  const detail = found && typeof found.detail === "string" ? found.detail : otherwise;
  return answer.status === 404 && detail.includes("there is no catalogue here") ? NOTHING : detail;
}
