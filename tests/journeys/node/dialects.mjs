// One scenario with a vendor's provider of the AI SDK against a gateway: node dialects.mjs URL PROVIDER SCENARIO, the key in
// KEY. Prints JSON.
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenRouter } from '@openrouter/ai-sdk-provider';
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';

globalThis.AI_SDK_LOG_WARNINGS = false; // stdout is for the answer
const [url, provider, scenario] = process.argv.slice(2);
const apiKey = process.env.KEY;
const providers = {
  openai: () => createOpenAI({ baseURL: `${url}/v1`, apiKey }),
  openaiChat: () => createOpenAI({ baseURL: `${url}/v1`, apiKey }).chat,
  anthropic: () => createAnthropic({ baseURL: `${url}/v1`, apiKey }),
  google: () => createGoogleGenerativeAI({ baseURL: `${url}/v1beta`, apiKey }),
  openrouter: () => createOpenRouter({ baseURL: `${url}/api/v1`, apiKey }),
};
const model = providers[provider]();

const asked = [];
const weather = tool({
  description: 'The weather in a city.',
  inputSchema: jsonSchema({
    type: 'object',
    properties: { city: { type: 'string' } },
    required: ['city'],
  }),
  execute: async (input) => {
    asked.push(input);
    return { sky: 'clear' };
  },
});
const prompt = 'good morning';

async function read(stream) {
  const kinds = [];
  for await (const part of stream.fullStream) kinds.push(part.type);
  return kinds;
}

const scenarios = {
  async generate() {
    const result = await generateText({ model: model('sim/echo'), prompt });
    return { text: result.text, finish: result.finishReason, output: result.usage.outputTokens };
  },
  async stream() {
    const result = streamText({ model: model('sim/echo'), prompt });
    const kinds = await read(result);
    return { text: await result.text, finish: await result.finishReason, kinds };
  },
  async reasoning() {
    const result = streamText({ model: model('sim/reasoning-tokens-50'), prompt });
    await read(result);
    return { text: await result.text, reasoning: await result.reasoningText };
  },
  async tool() {
    const tools = { weather };
    const result = streamText({ model: model('sim/tool'), tools, stopWhen: stepCountIs(3), prompt });
    await read(result);
    const steps = (await result.steps).map((step) => step.finishReason);
    return { text: await result.text, steps, asked };
  },
  async rateLimit() {
    return await generateText({ model: model('sim/status-429-retry-3'), prompt, maxRetries: 0 });
  },
};

let told;
try {
  told = await scenarios[scenario]();
} catch (error) {
  told = { error: error.name, message: error.message, status: error.statusCode };
}
console.log(JSON.stringify(told));
