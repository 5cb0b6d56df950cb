// A small model behind the chat API of OpenAI: `node small-model.mjs LIBRARY MODEL PORT`.
//
// LIBRARY is the file of node-llama-cpp to import, MODEL a GGUF file. Requests are answered one after the other, and the
// same request always has the same answer. A schema is enforced by a grammar. So is a call of a tool, because a model of
// this size writes none by itself: where tools are offered it must call one before it answers; which, and with which
// arguments, it decides.

import { createServer } from "node:http";

const [library, path, port] = process.argv.slice(2);
const { getLlama, LlamaChat, LlamaLogLevel } = await import(library);

// One thread: several that wait for one another are slower by far where they have no CPU each.
const llama = await getLlama({ gpu: false, build: "never", maxThreads: 1, logLevel: LlamaLogLevel.error });
const model = await llama.loadModel({ modelPath: path });
const sequence = (await model.createContext({ contextSize: 8192, threads: 1 })).getSequence();
const chat = new LlamaChat({ contextSequence: sequence });

const textOf = (content) => (typeof content === "string" ? content : (content ?? []).map((part) => part.text).join("\n"));

const called = ({ function: { name, arguments: given } }) => JSON.stringify({ tool: name, arguments: JSON.parse(given) });

/** The conversation as plain turns, with calls and results as text. */
function history(messages, tools) {
    const turns = messages.map(({ role, content, tool_calls: calls = [] }) => {
        const text = [textOf(content), ...calls.map(called)].filter(Boolean).join("\n");
        if (role === "assistant") return { type: "model", response: [text] };
        if (role === "tool") return { type: "user", text: `The tool has answered:\n${text}` };
        return { type: role === "user" ? "user" : "system", text };
    });
    if (tools.length) {
        const listed = tools.map(({ function: { name, description } }) => `${name}: ${description}`).join("\n");
        turns.unshift({ type: "system", text: `Tools that you can call:\n${listed}` });
    }
    return [...turns, { type: "model", response: [] }];
}

/** The schema of what the model must write, and whether that is a call of a tool; no schema for any text. */
function form({ messages, response_format: format, tools = [], tool_choice: choice = "auto" }) {
    const hasCalled = messages.some((each) => each.role === "tool");
    if (tools.length && choice !== "none" && (choice !== "auto" || !hasCalled)) {
        const offered = tools.filter((each) => !choice.function || each.function.name === choice.function.name);
        const calls = offered.map(({ function: { name, parameters } }) => ({
            type: "object", properties: { tool: { const: name }, arguments: parameters },
        }));
        return { schema: { oneOf: calls }, calls: true };
    }
    return { schema: format?.type === "json_schema" ? format.json_schema.schema : undefined, calls: false };
}

async function answered(asked, say) {
    const { schema, calls } = form(asked);
    await sequence.clearHistory();
    const before = sequence.tokenMeter.getState();
    const { response, metadata } = await chat.generateResponse(history(asked.messages, asked.tools ?? []), {
        grammar: schema && (await llama.createGrammarForJsonSchema(schema)),
        maxTokens: asked.max_completion_tokens ?? asked.max_tokens ?? 512,
        temperature: 0,
        onTextChunk: calls ? undefined : say,
    });
    console.log(`  the model wrote: ${response.replace(/\s+/g, " ")}`);
    const { usedInputTokens: read, usedOutputTokens: written } = sequence.tokenMeter.diff(before);
    const usage = { prompt_tokens: read, completion_tokens: written, total_tokens: read + written };
    if (metadata.stopReason === "maxTokens") return { text: response, reason: "length", usage };
    if (!calls) return { text: response, reason: "stop", usage };
    const { tool, arguments: given } = JSON.parse(response);
    const made = { id: "call_0", type: "function", function: { name: tool, arguments: JSON.stringify(given) } };
    return { text: "", calls: [{ index: 0, ...made }], reason: "tool_calls", usage };
}

async function whole(asked, head, out) {
    const { text, calls, reason, usage } = await answered(asked);
    const message = { role: "assistant", content: text, ...(calls && { tool_calls: calls }) };
    out.writeHead(200, { "content-type": "application/json" });
    out.end(JSON.stringify({ ...head, choices: [{ index: 0, message, finish_reason: reason }], usage }));
}

async function streamed(asked, head, out) {
    const send = (delta, reason = null, more = {}) => {
        const chunk = { ...head, choices: [{ index: 0, delta, finish_reason: reason }], ...more };
        out.write(`data: ${JSON.stringify(chunk)}\n\n`);
    };
    out.writeHead(200, { "content-type": "text/event-stream" });
    send({ role: "assistant", content: "" });
    const { calls, reason, usage } = await answered(asked, (text) => send({ content: text }));
    if (calls) send({ tool_calls: calls });
    send({}, reason, { usage });
    out.end("data: [DONE]\n\n");
}

let turn = Promise.resolve();

createServer(async (request, out) => {
    let body = "";
    for await (const part of request.setEncoding("utf8")) body += part;
    turn = turn
        .then(() => {
            const asked = JSON.parse(body);
            const object = asked.stream ? "chat.completion.chunk" : "chat.completion";
            const head = { id: "chatcmpl-0", object, created: 0, model: asked.model };
            return (asked.stream ? streamed : whole)(asked, head, out);
        })
        .catch((error) => {
            if (!out.headersSent) out.writeHead(500, { "content-type": "application/json" });
            out.end(JSON.stringify({ error: { message: String(error), type: "server_error" } }));
        });
}).listen(Number(port), "127.0.0.1", () => console.log("ready"));
