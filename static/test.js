// A button per endpoint, drawn from the API's own description, so that the page cannot fall behind it.

const find = (id) => document.getElementById(id);

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

let mode = "";

const EXAMPLES = { symbol: "BTCUSDT" };

function input(parameter) {
  const schema = parameter.schema ?? {};
  const options = [schema, ...(schema.anyOf ?? [])].find((one) => one.enum)?.enum;
  const value = EXAMPLES[parameter.name] ?? schema.default ?? "";
  const required = parameter.in === "path";
  const properties = { name: parameter.name, title: parameter.description ?? "", required };
  if (!options) {
    return element("input", { ...properties, value: value ?? "", autocomplete: "off", spellcheck: false });
  }
  const choices = required ? options : ["", ...options];
  const select = element("select", properties, ...choices.map((one) => element("option", { value: one }, one)));
  select.value = value ?? "";
  return select;
}

function bodyExample(operation, schemas) {
  const schema = operation.requestBody?.content?.["application/json"]?.schema;
  if (!schema) return null;
  const named = schema.$ref ? schemas[schema.$ref.split("/").pop()] : schema;
  return JSON.stringify(named.example ?? {}, null, 2);
}

function addressOf(path, parameters, data) {
  const query = new URLSearchParams();
  let address = path;
  for (const parameter of parameters) {
    const value = String(data.get(parameter.name) ?? "").trim();
    if (parameter.in === "path") address = address.replace(`{${parameter.name}}`, encodeURIComponent(value));
    else if (value !== "") query.set(parameter.name, value);
  }
  return query.size ? `${address}?${query}` : address;
}

async function ask(method, address, body) {
  const headers = body === null ? {} : { "Content-Type": "application/json" };
  const started = performance.now();
  find("address").textContent = `${method} ${address}`;
  try {
    const response = await fetch(address, { method, headers, body });
    const text = await response.text();
    const took = Math.round(performance.now() - started);
    show(`${response.status} ${response.statusText} · ${took} ms`, response.ok, pretty(text));
  } catch (error) {
    show("The server did not answer.", false, String(error));
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function show(status, good, body) {
  find("status").textContent = status;
  find("status").className = good ? "good" : "bad";
  find("body").textContent = body;
  find("answer").scrollIntoView({ block: "nearest" });
}

function card(method, path, operation, schemas) {
  const parameters = operation.parameters ?? [];
  const example = bodyExample(operation, schemas);
  const send = element("button", { type: "submit", className: method }, "Send");
  const form = element("form", { id: operation.operationId });
  for (const parameter of parameters) {
    form.append(element("label", {}, parameter.name, input(parameter)));
  }
  if (example !== null) {
    form.append(element("textarea", { name: "body", value: example, spellcheck: false, ariaLabel: "JSON body" }));
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const real = method !== "get" && mode === "Production";
    if (real && !confirm(`Production: ${path} acts on a real account. Send?`)) return;
    send.disabled = true;
    const data = new FormData(form);
    await ask(method.toUpperCase(), addressOf(path, parameters, data), example === null ? null : data.get("body"));
    send.disabled = false;
    if (method !== "get") await showHouse();
  });
  send.setAttribute("form", operation.operationId);
  const tag = element("span", { className: `method ${method}` }, method.toUpperCase());
  return element(
    "details",
    { className: "endpoint" },
    element("summary", {}, tag, element("code", {}, path), send),
    element("p", {}, operation.summary ?? ""),
    form,
  );
}

async function drawEndpoints() {
  const description = await (await fetch("/openapi.json")).json();
  const schemas = description.components?.schemas ?? {};
  const sections = new Map();
  for (const [path, item] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const title = operation.tags?.[0] ?? "API";
      if (!sections.has(title)) sections.set(title, element("section", {}, element("h2", {}, title)));
      sections.get(title).append(card(method, path, operation, schemas));
    }
  }
  find("endpoints").replaceChildren(...sections.values());
}

async function showHouse() {
  const house = await (await fetch("/api/status")).json();
  mode = house.operation_mode;
  const badge = (text, kind = "") => element("span", { className: `badge ${kind}` }, text);
  find("badges").replaceChildren(
    badge(house.operation_mode, `mode-${house.operation_mode.toLowerCase()}`),
    badge(house.market_source),
    badge(house.venue_connected ? "venue connected" : "venue out of reach", house.venue_connected ? "good" : "bad"),
    badge(`${Object.keys(house.active_bots).length} active`),
    badge(`v${house.version}`, "quiet"),
  );
  find("notices").replaceChildren(
    ...house.notices.map((notice) => element("p", { className: "notice" }, notice)),
  );
}

await Promise.all([drawEndpoints(), showHouse()]).catch((error) => show("The page could not be drawn.", false, String(error)));
