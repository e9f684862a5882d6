import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import type { LanguageModelV3 } from '@ai-sdk/provider';
import { AISDKError } from 'ai';
import type { Film } from '../catalogue.js';
import { localRecommender } from './local-recommender.js';

/** A model, and what to tell the user about it. */
export interface ChosenModel {
  readonly model: LanguageModelV3;
  /** The variable that has the key of its provider; undefined: it is the local one. */
  readonly key: string | undefined;
}

/** Small models: choosing one of forty titles is easy. `MODEL` names another one of the same provider. */
const OPENAI_MODEL = 'gpt-4.1-mini';
const ANTHROPIC_MODEL = 'claude-haiku-4-5';

/** A provider's model if the environment has its key, else the local recommender. */
export function chooseModel(env: Readonly<Record<string, string | undefined>>, films: readonly Film[]): ChosenModel {
  const { OPENAI_API_KEY: openai, ANTHROPIC_API_KEY: anthropic, MODEL: name } = env;
  if (openai) return { model: createOpenAI({ apiKey: openai })(name || OPENAI_MODEL), key: 'OPENAI_API_KEY' };
  if (anthropic)
    return { model: createAnthropic({ apiKey: anthropic })(name || ANTHROPIC_MODEL), key: 'ANTHROPIC_API_KEY' };
  return { model: localRecommender(films), key: undefined };
}

/** Puts what went wrong with a provider into words that help; other errors come back as they are. */
export function explainFailure(error: unknown, { model, key }: ChosenModel): unknown {
  if (!AISDKError.isInstance(error) || key === undefined) return error;
  return new Error(
    `${model.modelId} did not answer: ${error.message}\nIt is asked because ${key} is set; without it, the local recommender answers.`,
    { cause: error },
  );
}
