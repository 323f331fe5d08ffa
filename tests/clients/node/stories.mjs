// Stories of OpenAI's client for Node. Arguments: base URL, key. Writes one JSON object, a member a story, each with
// what it gave or raised; what each must give is in `tests/clients/test_node.py`.

import OpenAI from "openai";

const [baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ apiKey, baseURL, maxRetries: 0 });
const model = "glm-4.6";
const hello = [{ role: "user", content: "Hello, please introduce yourself" }];
const weather = [{ role: "user", content: "How's the weather in Beijing today?" }];
const small = { model, messages: hello, max_tokens: 24, temperature: 0 };
const parameters = {
  type: "object",
  properties: { location: { type: "string", enum: ["Beijing", "Shanghai"] } },
  required: ["location"],
};
const tools = [
  { type: "function", function: { name: "get_weather", description: "Get weather information", parameters } },
];
const texts = ["foo bar", "Beijing is the capital of China"];

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const stories = {
  plain: () => client.chat.completions.create(small),
  requestId: async () => (await client.chat.completions.create(small))._request_id,
  stream: async () => collect(await client.chat.completions.create({ ...small, stream: true })),
  thinking: async () =>
    collect(
      await client.chat.completions.create({
        ...small,
        max_tokens: 400,
        stream: true,
        thinking: { type: "enabled" },
      }),
    ),
  helper: async () => {
    const stream = client.chat.completions.stream(small);
    return { final: await stream.finalChatCompletion(), usage: await stream.totalUsage() };
  },
  tools: () =>
    client.chat.completions.create({ ...small, messages: weather, tools, tool_choice: "required", max_tokens: 200 }),
  toolsStreamed: async () => {
    const stream = client.chat.completions.stream({
      ...small,
      messages: weather,
      tools,
      tool_choice: "required",
      max_tokens: 200,
    });
    return stream.finalMessage();
  },
  base64: async () => (await client.embeddings.create({ model: "embedding-3", input: texts })).data,
  float: async () =>
    (await client.embeddings.create({ model: "embedding-3", input: texts, encoding_format: "float" })).data,
  dimensions: async () => (await client.embeddings.create({ model: "embedding-3", input: texts, dimensions: 256 })).data,
  models: async () => (await client.models.list()).data,
  wrongSecret: () =>
    new OpenAI({ apiKey: `${apiKey.split(".")[0]}.${"x".repeat(43)}`, baseURL, maxRetries: 0 }).models.list(),
  noModel: () => client.chat.completions.create({ ...small, model: "no-such-model" }),
  badTemperature: () => client.chat.completions.create({ ...small, temperature: 9 }),
  unserved: () => client.images.generate({ model: "cogview-4", prompt: "a cat" }),
};

async function outcome(story) {
  const began = performance.now();
  let told;
  try {
    told = { gave: await story() };
  } catch (error) {
    const { message, status = null, code = null, type = null, param = null } = error;
    told = { raised: { class: error.constructor.name, message, status, code, type, param } };
  }
  return { ...told, seconds: (performance.now() - began) / 1000 };
}

const report = {};
for (const [name, story] of Object.entries(stories)) report[name] = await outcome(story);
process.stdout.write(`${JSON.stringify(report)}\n`);
