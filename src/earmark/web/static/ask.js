// Requests to the server. Whatever goes wrong, a server that is gone among it, is an Error whose message people can read;
// its status is that of the answer.

const NOTHING = "Nothing was heard yet: scan a folder on the page Library first.";

async function sent(address, body, method = "POST") {
  const options = body === undefined && method === "POST" ? {} : { method, body };
  if (body !== undefined && !(body instanceof FormData)) {
    options.headers = { "content-type": "application/json" };
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(address, options).catch(() => null);
  if (!answer) throw new Error("the server does not answer");
  if (answer.ok) return answer;
  const { detail } = await answer.json().catch(() => ({}));
  const other = Array.isArray(detail) ? "this cannot be used" : `the server cannot answer this (${answer.status})`;
  const said = typeof detail === "string" ? detail : other;
  const empty = answer.status === 404 && said.includes("there is no catalogue here");
  throw Object.assign(new Error(empty ? NOTHING : said), { status: answer.status });
}

// The JSON that answers a request: GET, or POST where there is a body (JSON or a form).
export async function ask(address, body) {
  const answer = await sent(address, body);
  return answer.json();
}

// Delete what is at an address; the answer is JSON.
export async function remove(address) {
  const answer = await sent(address, undefined, "DELETE");
  return answer.json();
}

// Have the browser save an answer as a file.
export async function download(address, body, name) {
  const answer = await sent(address, body);
  const named = /filename="(.*)"/.exec(answer.headers.get("content-disposition") || "");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name || (named ? named[1] : "earmark");
  link.click();
  URL.revokeObjectURL(link.href);
}
