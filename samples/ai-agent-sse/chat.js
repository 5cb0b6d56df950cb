// A chat page. Everything that comes from outside is set as text, never as HTML.

const $ = id => document.getElementById(id)
let chat = localStorage.getItem("chat") ?? begin()
let answer = null // the line that words are added to
let open = 0 // requests that wait for the agent

function begin() {
  const id = crypto.randomUUID()
  localStorage.setItem("chat", id)
  return id
}

function line(kind, text) {
  const item = document.createElement("li")
  item.className = kind
  item.textContent = text
  $("talk").append(item)
  item.scrollIntoView({ block: "end" })
  return item
}

function say(text) {
  $("state").textContent = text
}

function busy(change) {
  open += change
  $("stop").hidden = open === 0
}

// --- what the agent does ---

const on = {
  turn_start() { answer = null; say("thinking") },
  text({ text }) {
    answer ??= line("agent", "")
    answer.textContent += text
    answer.scrollIntoView({ block: "end" })
  },
  tool_call({ tool, input }) { line("tool", `${tool} ${JSON.stringify(input)}`) },
  tool_authorization: request => approval(request),
  tool_result({ toolCallId, output, isError }) {
    document.getElementById(`ask-${toolCallId}`)?.remove()
    line("tool", `${isError ? "✗" : "→"} ${output}`)
  },
  done({ stopped }) { say(stopped ? "stopped" : "") },
  guardrail({ reason }) { line("tool", reason) },
  error({ message }) { say(message) },
}

function approval({ authorizationId, tool, toolCallId, input }) {
  if (document.getElementById(`ask-${toolCallId}`)) return
  const item = line("ask", `Allow ${tool} ${JSON.stringify(input)}?`)
  item.id = `ask-${toolCallId}`
  item.append(document.createElement("br"))
  for (const [label, allow] of [["Allow", true], ["Refuse", false]]) {
    const button = document.createElement("button")
    button.textContent = label
    button.onclick = async () => {
      for (const each of item.querySelectorAll("button")) each.disabled = true
      await send({ authorizationId, allow }, { patient: true })
    }
    item.append(button)
  }
  say("waiting for you")
}

// --- requests ---

const pause = ms => new Promise(done => setTimeout(done, ms))

/** Send something, and show the events that come back. patient: try until the server is there again. */
async function send(body, { patient = false } = {}) {
  busy(1)
  try {
    for (;;) {
      try {
        return await request(body)
      } catch (error) {
        if (!(error instanceof TypeError) || !patient) throw error
        say("the server is away; trying again")
        await pause(500)
      }
    }
  } catch (error) {
    say(error instanceof TypeError ? "the connection was lost; nothing that was said is" : error.message)
  } finally {
    busy(-1)
  }
}

async function request(body) {
  const response = await fetch(`/chats/${chat}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`the server answered ${response.status}`)
  if (!response.headers.get("Content-Type").startsWith("text/event-stream")) {
    // A run that is under way has it. Its events go to the page that began it, unless that is gone.
    if (body.authorizationId && open === 1) await catchUp()
    return
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ""
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    rest += value
    const events = rest.split("\n\n")
    rest = events.pop()
    for (const event of events) show(event)
  }
}

function show(event) {
  const data = event.split("\n").filter(each => each.startsWith("data:")).map(each => each.slice(5).trimStart())
  if (!data.length) return
  const { type, ...told } = JSON.parse(data.join("\n"))
  on[type]?.(told)
}

// --- what was said before ---

async function history() {
  const response = await fetch(`/chats/${chat}`)
  const { messages, waiting } = await response.json()
  $("talk").replaceChildren()
  for (const { role, text, calls, results } of messages) {
    if (text) line(role === "user" ? "user" : "agent", text)
    for (const { tool, input } of calls ?? []) line("tool", `${tool} ${JSON.stringify(input)}`)
    for (const { content, isError } of results ?? []) line("tool", `${isError ? "✗" : "→"} ${content}`)
  }
  for (const each of waiting) approval(each)
  return messages.at(-1)
}

/** Read until the agent has spoken: its words went to a page that was closed. */
async function catchUp() {
  for (let times = 0; times < 60; times++) {
    const last = await history()
    if (last?.role === "assistant" && !last.calls) return say("")
    await pause(500)
  }
}

$("ask").onsubmit = async event => {
  event.preventDefault()
  const text = $("text").value.trim()
  if (!text) return
  $("text").value = ""
  line("user", text)
  await send({ text })
}
$("text").onkeydown = event => {
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault()
    $("ask").requestSubmit()
  }
}
$("stop").onclick = () => request({ stop: true }).catch(error => say(error.message))
$("fresh").onclick = () => {
  chat = begin()
  $("talk").replaceChildren()
  say("")
}
history().catch(() => say("the server is away"))
