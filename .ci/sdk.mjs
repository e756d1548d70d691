// Called by .ci/sdk: MODULES (a folder with the SDKs), WORK (a folder whose `requests` the example filled), BINARY.
//
//  1. Every body is written as a literal of the SDK's type and goes through the compiler: an unknown key, a wrong word or a
//     wrong type is an error. The same bodies with one thing wrong must not pass, or the types say nothing. So are the
//     answers that the tests script (tests/it/ends/wire).
//  2. For the inputs of each body the SDK's client is called; what arrives must be equal, field by field.
//  3. The built binary reviews a diff; what arrives, headers included, is set beside what the SDK's client sends.

import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';

const [modules, work, binary] = process.argv.slice(2);
const require = createRequire(path.join(modules, 'package.json'));
const { Anthropic } = require('@anthropic-ai/sdk');
const { jsonSchemaOutputFormat } = require('@anthropic-ai/sdk/helpers/json-schema');
const { OpenAI } = require('openai');
const { toStrictJsonSchema } = require('openai/lib/transform');

const KEY = 'sk-of-nobody-0123456789';
const SCHEMA = JSON.parse(fs.readFileSync('src/domain/prompt/reply.schema.json', 'utf8'));
const SCHEMA_NAME = 'counterpoint_reply';

/** What is asked, as a user of the SDK would write it. `sends` tells whether an optional feature is wanted. */
const WIRES = {
    messages: {
        types: ['@anthropic-ai/sdk/resources/messages', 'MessageCreateParams'],
        answers: `
            import type { Message, RawMessageStreamEvent } from '@anthropic-ai/sdk/resources/messages';
            import type { ErrorDetails, ErrorObject, ErrorResponse } from '@anthropic-ai/sdk/resources/shared';
            type Answer = Message;
            type Event = RawMessageStreamEvent | { type: 'ping' } | ErrorResponse;
            type Failure = Omit<ErrorResponse, 'error'> & { error: ErrorObject & { details?: ErrorDetails } };`,
        excused: [[/^(x-api-key|authorization)$/, 'the documented header; SDK 1.12 sends a bearer token, and takes this one too']],
        schemaAt: ['output_config', 'format', 'schema'],
        model: 'claude-sonnet-5-5',
        env: origin => ({ ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: origin }),
        arguments: () => ['--claude-model', 'claude-sonnet-5-5'],
        texts: body => ({ system: body.system, content: body.messages[0].content }),
        output: body => body.max_tokens,
        ask(origin, inputs, sends) {
            const shared = { type: 'text', text: inputs.shared };
            if (inputs.mark_cache && sends('cache-mark')) shared.cache_control = { type: 'ephemeral' };
            const config = {};
            if (sends('structured-output')) config.format = jsonSchemaOutputFormat(SCHEMA);
            if (sends('effort')) config.effort = inputs.effort;
            return new Anthropic({ apiKey: KEY, baseURL: origin, maxRetries: 0 }).messages.create({
                model: inputs.model,
                max_tokens: inputs.max_output,
                system: inputs.system,
                messages: [{ role: 'user', content: [shared, { type: 'text', text: inputs.task }] }],
                ...(Object.keys(config).length && { output_config: config }),
                ...(sends('stream') && { stream: true }),
            });
        },
    },
    responses: {
        types: ['openai/resources/responses/responses', 'ResponseCreateParams'],
        // `output_text` is put together by the SDK and never on the wire.
        answers: `
            import type { Response, ResponseStreamEvent } from 'openai/resources/responses/responses';
            import type { ErrorObject } from 'openai/resources/shared';
            type Answer = Omit<Response, 'output_text'>;
            type OnWire<T> = T extends { response: Response } ? Omit<T, 'response'> & { response: Answer } : T;
            type Event = OnWire<ResponseStreamEvent>;
            type Failure = { error: ErrorObject };`,
        excused: [],
        schemaAt: ['text', 'format', 'schema'],
        model: 'gpt-6.1-sol',
        env: origin => ({ OPENAI_API_KEY: KEY, OPENAI_BASE_URL: `${origin}/v1` }),
        arguments: () => ['--codex-model', 'gpt-6.1-sol'],
        texts: body => ({ system: body.instructions, content: body.input[0].content }),
        output: body => body.max_output_tokens,
        ask(origin, inputs, sends) {
            const shared = { type: 'input_text', text: inputs.shared };
            const marked = inputs.mark_cache && sends('cache-mark');
            if (marked) shared.prompt_cache_breakpoint = { mode: 'explicit' };
            const format = { type: 'json_schema', name: SCHEMA_NAME, strict: sends('strict-schema') };
            return new OpenAI({ apiKey: KEY, baseURL: `${origin}/v1`, maxRetries: 0 }).responses.create({
                model: inputs.model,
                instructions: inputs.system,
                input: [{ role: 'user', content: [shared, { type: 'input_text', text: inputs.task }] }],
                max_output_tokens: inputs.max_output,
                store: false,
                ...(sends('structured-output') && { text: { format: { ...format, schema: toStrictJsonSchema(SCHEMA) } } }),
                ...(sends('effort') && { reasoning: { effort: inputs.effort } }),
                ...(sends('service-tier') && { service_tier: 'default' }),
                ...(marked && {
                    prompt_cache_key: inputs.cache_key,
                    prompt_cache_options: { mode: 'explicit', ttl: '30m' },
                }),
                ...(sends('stream') && { stream: true }),
            });
        },
    },
    chat: {
        types: ['openai/resources/chat/completions', 'ChatCompletionCreateParams'],
        answers: `
            import type { ChatCompletion, ChatCompletionChunk } from 'openai/resources/chat/completions';
            import type { ErrorObject } from 'openai/resources/shared';
            type Answer = ChatCompletion;
            type Event = ChatCompletionChunk | Failure;
            type Failure = { error: ErrorObject };`,
        excused: [],
        schemaAt: ['response_format', 'json_schema', 'schema'],
        model: 'qwen3',
        env: () => ({ OPENAI_COMPATIBLE_API_KEY: KEY }),
        arguments: origin => {
            const lane = `{provider: compatible, model: qwen3, base_url: "${origin}/v1", auth: bearer, free: true}`;
            fs.writeFileSync(path.join(work, 'config.yml'), `lanes:\n  claude: null\n  codex: null\n  local: ${lane}\n`);
            return ['--config', path.join(work, 'config.yml')];
        },
        // Shared text and task are one text, and the schema stands in it where the server is not sent one.
        texts: body => ({ system: body.messages[0].content, content: [{ text: body.messages[1].content }] }),
        output: body => body.max_tokens,
        ask(origin, inputs, sends) {
            const format = { type: 'json_schema', json_schema: { name: SCHEMA_NAME, strict: sends('strict-schema'), schema: toStrictJsonSchema(SCHEMA) } };
            return new OpenAI({ apiKey: KEY, baseURL: `${origin}/v1`, maxRetries: 0 }).chat.completions.create({
                model: inputs.model,
                messages: [{ role: 'system', content: inputs.system }, { role: 'user', content: inputs.shared }],
                [sends('max-tokens') ? 'max_tokens' : 'max_completion_tokens']: inputs.max_output,
                ...(sends('structured-output') ? { response_format: format } : sends('json-mode') && { response_format: { type: 'json_object' } }),
                ...(sends('effort') && { reasoning_effort: inputs.effort }),
                ...(sends('stream') && { stream: true, ...(sends('stream-usage') && { stream_options: { include_usage: true } }) }),
            });
        },
    },
};

/** Headers that may differ, and why. All others must be equal. */
const EXCUSED = [
    [/^x-stainless-/, 'what the SDK tells its vendor of the machine it runs on'],
    [/^user-agent$/, 'each says who it is'],
    [/^(accept-language|sec-fetch-mode)$/, "set by Node's fetch, not by the SDK"],
    [/^accept-encoding$/, 'we decompress nothing: a bomb in an answer has no fuse'],
    [/^connection$/, 'the default of HTTP/1.1, said or not'],
];

let failures = 0;
const fail = message => {
    failures += 1;
    console.log(`  WRONG  ${message}`);
};

// --- a server that takes everything and answers nothing useful ---

const captured = [];
const server = http.createServer((request, response) => {
    // Servers that speak Chat Completions are first asked what they can do.
    if (request.method === 'GET') {
        response.writeHead(404).end();
        return;
    }
    const chunks = [];
    request.on('data', chunk => chunks.push(chunk));
    request.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => name !== 'host'));
        captured.push({ line: `${request.method} ${request.url}`, headers, text, body: JSON.parse(text) });
        response.writeHead(401, { 'content-type': 'application/json' });
        response.end('{"error": {"type": "authentication_error", "message": "only looked at"}}');
    });
});
await new Promise(listening => server.listen(0, '127.0.0.1', listening));
const origin = `http://127.0.0.1:${server.address().port}`;

/** What the SDK's client sends. */
async function sentBySdk(wire, inputs) {
    captured.length = 0;
    const sends = feature => !inputs.without.includes(feature);
    await WIRES[wire].ask(origin, inputs, sends).then(() => {}, () => {});
    if (captured.length !== 1) throw new Error(`the SDK sent ${captured.length} requests for ${wire}`);
    return captured[0];
}

// --- fields ---

/** A value as (path, leaf) pairs. */
function* fields(value, at = '') {
    const entries = value && typeof value === 'object' ? Object.entries(value) : [];
    if (!entries.length) yield [at, JSON.stringify(value)];
    const list = Array.isArray(value);
    for (const [key, inner] of entries) yield* fields(inner, list ? `${at}[${key}]` : at ? `${at}.${key}` : key);
}

function compare(ours, theirs) {
    const [a, b] = [new Map(fields(ours)), new Map(fields(theirs))];
    const names = new Set([...a.keys(), ...b.keys()]);
    return [...names].map(name => {
        const how = !b.has(name) ? 'ours only' : !a.has(name) ? 'SDK only' : a.get(name) === b.get(name) ? 'equal' : 'differs';
        return { name, how, ours: a.get(name), theirs: b.get(name) };
    });
}

const short = text => (text === undefined ? '-' : text.length > 34 ? `${text.slice(0, 31)}...` : text);

// --- 1. types ---

const cases = fs.readdirSync(path.join(work, 'requests')).sort().map(file => ({
    name: file.replace('.json', ''),
    ...JSON.parse(fs.readFileSync(path.join(work, 'requests', file), 'utf8')),
}));
if (!cases.length) throw new Error('no request was written');

const typeOf = ({ wire, body }) => `${WIRES[wire].types[1]}${body.stream === true ? 'Streaming' : 'NonStreaming'}`;

/** The body with one thing wrong, once for each thing. What stands in a schema is free, and so is a model's name. */
function* mutants(wire, body) {
    const at = (where, change) => {
        const copy = structuredClone(body);
        change(where.reduce((value, key) => value[key], copy));
        return copy;
    };
    function* visit(value, where) {
        if (where.join() === WIRES[wire].schemaAt.join()) return;
        if (!Array.isArray(value)) yield [`${where.join('.')}.unknown_key`, at(where, object => (object.unknown_key = 1))];
        for (const [key, inner] of Object.entries(value)) {
            const place = [...where, key];
            if (inner && typeof inner === 'object') yield* visit(inner, place);
            else yield [`${place.join('.')} of another type`, at(where, object => (object[key] = typeof inner === 'number' ? 'x' : 1))];
            if (/^[a-z_]+$/.test(inner) && key !== 'name') yield [`${place.join('.')} = "wordless"`, at(where, object => (object[key] = 'wordless'))];
        }
    }
    yield* visit(body, []);
}

const program = path.join(work, 'program');
fs.mkdirSync(program);
fs.symlinkSync(path.join(modules, 'node_modules'), path.join(program, 'node_modules'));
const compilerOptions = {
    strict: true, noEmit: true, skipLibCheck: true, module: 'nodenext', target: 'es2022', lib: ['es2022', 'dom', 'dom.iterable', 'esnext.disposable'], types: [],
};
fs.writeFileSync(path.join(program, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));

const imports = wire => {
    const [from, type] = WIRES[wire].types;
    return `import type { ${type}NonStreaming, ${type}Streaming } from '${from}';\n`;
};
for (const each of cases) {
    const literal = `export const request: ${typeOf(each)} = ${JSON.stringify(each.body, null, 1)};\n`;
    fs.writeFileSync(path.join(program, `${each.name}.ts`), imports(each.wire) + literal);
}
let scripted = 0;
for (const wire of Object.keys(WIRES)) {
    const folder = path.join('tests/it/ends/wire', wire);
    const literals = [];
    const add = (type, name, value) => literals.push(`export const of${(scripted += 1)}: ${type} = ${JSON.stringify(value)}; // ${name}`);
    for (const file of fs.readdirSync(folder)) {
        const text = fs.readFileSync(path.join(folder, file), 'utf8');
        if (file === 'errors.json') {
            for (const [name, error] of Object.entries(JSON.parse(text))) add('Failure', name, error.body);
        } else if (file.endsWith('.json')) {
            add('Answer', file, JSON.parse(text));
        } else {
            const data = text.split('\n').filter(line => line.startsWith('data: ')).map(line => line.slice(6));
            data.filter(text => text !== '[DONE]').forEach(text => add('Event', file, JSON.parse(text.replace('@NUMBER@', '0'))));
        }
    }
    fs.writeFileSync(path.join(program, `answers-${wire}.ts`), `${WIRES[wire].answers}\n${literals.join('\n')}\n`);
}
const wrong = [];
for (const wire of Object.keys(WIRES)) {
    const size = each => [...fields(each.body)].length;
    const fullest = cases.filter(each => each.wire === wire && !each.inputs.talk).sort((a, b) => size(b) - size(a))[0];
    for (const [what, body] of mutants(wire, fullest.body)) {
        const file = `mutant-${wrong.length}.ts`;
        wrong.push({ file, what: `${wire}: ${what}` });
        fs.writeFileSync(path.join(program, file), `${imports(wire)}export const request: ${typeOf(fullest)} = ${JSON.stringify(body)};\n`);
    }
}
const compiler = path.join(modules, 'node_modules/.bin/tsc');
const compiled = spawnSync(compiler, ['--pretty', 'false', '-p', program], { encoding: 'utf8', cwd: program });
const complaints = compiled.stdout.split('\n').filter(line => /error TS/.test(line));
const refused = new Set(complaints.map(line => line.split('(')[0]));
for (const line of complaints.filter(line => !line.startsWith('mutant-'))) fail(line);
if (compiled.status !== 0 && !complaints.length) fail(compiled.stdout + compiled.stderr + compiled.error);
const passed = wrong.filter(({ file }) => !refused.has(file));
for (const { what } of passed) fail(`the types do not see ${what}`);
console.log(`types: ${cases.length} bodies taken, ${wrong.length - passed.length} of ${wrong.length} with one thing wrong refused`);
console.log(`types: ${scripted} answers, events and errors of the tests taken`);

// --- 2. the same inputs through the SDK ---

let equal = 0;
/** The prompt is ours alone: of all that stands around it, the SDK's client has to say the same. */
function promptIn(wire, body) {
    const { system, content } = WIRES[wire].texts(body);
    const [shared, task] = content.map(block => block.text);
    return { system, shared, task };
}

// What follows on tools is held against the types alone: its turns are the models' own.
const plain = cases.filter(each => !each.inputs.talk);
for (const each of plain) {
    const theirs = await sentBySdk(each.wire, { ...each.inputs, ...promptIn(each.wire, each.body) });
    for (const field of compare(each.body, theirs.body)) {
        if (field.how === 'equal') equal += 1;
        else fail(`${each.name}: ${field.name}: ${field.how} (ours ${short(field.ours)}, SDK ${short(field.theirs)})`);
    }
}
console.log(`bodies: ${plain.length} built by the SDKs from the same inputs, ${equal} fields equal`);

// --- 3. what the binary really sends ---

fs.writeFileSync(path.join(work, 'change.diff'), `diff --git a/src/session.rs b/src/session.rs
--- a/src/session.rs
+++ b/src/session.rs
@@ -1,3 +1,3 @@
 fn valid(token: &Token, now: u64) -> bool {
-    now < token.expires_at
+    now <= token.expires_at // "é" 🦀
 }
`);

async function sentByBinary(wire) {
    captured.length = 0;
    const child = spawn(binary, ['review', '--diff', path.join(work, 'change.diff'), ...WIRES[wire].arguments(origin)], {
        env: { PATH: process.env.PATH, ...WIRES[wire].env(origin) },
        stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', chunk => (said += chunk));
    await new Promise(closed => child.on('close', closed));
    if (captured.length !== 1) throw new Error(`the binary sent ${captured.length} requests for ${wire}:\n${said}`);
    return captured[0];
}

for (const wire of Object.keys(WIRES)) {
    const ours = await sentByBinary(wire);
    const inputs = {
        ...promptIn(wire, ours.body), model: WIRES[wire].model, effort: 'medium', max_output: WIRES[wire].output(ours.body),
        without: [], mark_cache: false,
    };
    const theirs = await sentBySdk(wire, inputs);
    console.log(`\n${wire}: what the binary sends and what the SDK sends`);
    if (ours.line !== theirs.line) fail(`${ours.line}, and the SDK ${theirs.line}`);
    const inSchema = `${WIRES[wire].schemaAt.join('.')}.`;
    let unlisted = 0;
    for (const [part, fieldsOf] of [['header', sent => sent.headers], ['body', sent => sent.body]]) {
        for (const field of compare(fieldsOf(ours), fieldsOf(theirs))) {
            const excuse = part === 'header' && [...EXCUSED, ...WIRES[wire].excused].find(([name]) => name.test(field.name));
            if (field.how === 'equal' && field.name.startsWith(inSchema)) {
                unlisted += 1;
                continue;
            }
            const tail = field.how === 'equal' ? '' : excuse ? excuse[1] : 'NOT EXCUSED';
            if (tail === 'NOT EXCUSED') failures += 1;
            console.log(`  ${part.padEnd(6)} ${field.name.padEnd(38)} ${field.how.padEnd(9)} ${short(field.ours).padEnd(36)} ${short(field.theirs).padEnd(36)} ${tail}`.trimEnd());
        }
    }
    console.log(`  body   ${`${inSchema}*`.padEnd(38)} equal     ${unlisted} fields`);
}

server.close();
console.log(failures ? `\nsdk: ${failures} differences that nothing excuses` : '\nsdk: all that differs is excused');
process.exitCode = failures ? 1 : 0;
