// One scenario with the AI SDK against a gateway: node chat.mjs BASE_URL SCENARIO, the key in KEY. Prints JSON.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';

const [baseURL, scenario] = process.argv.slice(2);
const gateway = createOpenAICompatible({
  name: 'kilo',
  baseURL,
  apiKey: process.env.KEY,
  includeUsage: true,
});

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
const withTool = { tools: { weather }, stopWhen: stepCountIs(3), prompt };

async function parts(stream) {
  const seen = [];
  for await (const part of stream.fullStream) seen.push(part);
  return seen;
}

function counts(usage) {
  return { input: usage.inputTokens, output: usage.outputTokens };
}

const scenarios = {
  async generate() {
    const result = await generateText({ model: gateway('sim/echo'), prompt });
    return { text: result.text, finish: result.finishReason, usage: counts(result.usage) };
  },
  async stream() {
    const result = streamText({ model: gateway('sim/echo'), prompt });
    const kinds = (await parts(result)).map((part) => part.type);
    const usage = counts(await result.usage);
    return { text: await result.text, finish: await result.finishReason, usage, kinds };
  },
  async reasoning() {
    const result = streamText({ model: gateway('sim/reasoning-tokens-50'), prompt });
    await parts(result);
    return { text: await result.text, reasoning: await result.reasoningText };
  },
  async tool() {
    const result = await generateText({ model: gateway('sim/tool'), ...withTool });
    return { text: result.text, steps: result.steps.map((step) => step.finishReason), asked };
  },
  async streamTool() {
    const result = streamText({ model: gateway('sim/tool'), ...withTool });
    await parts(result);
    const steps = await result.steps;
    return { text: await result.text, steps: steps.map((step) => step.finishReason), asked };
  },
  async unknownModel() {
    return await generateText({ model: gateway('ecko'), prompt, maxRetries: 0 });
  },
  async rateLimit() {
    const model = gateway('sim/status-429-retry-3');
    return await generateText({ model, prompt, maxRetries: 0 });
  },
  async errorInStream() {
    const model = gateway('sim/error-in-stream-after-3-delay-20ms');
    const result = streamText({ model, prompt, onError() {} });
    const kinds = (await parts(result)).map((part) => part.type);
    return { kinds };
  },
};

let told;
try {
  told = await scenarios[scenario]();
} catch (error) {
  told = {
    error: error.name,
    message: error.message,
    status: error.statusCode,
    isRetryable: error.isRetryable,
    retryAfter: error.responseHeaders?.['retry-after'],
  };
}
console.log(JSON.stringify(told));
