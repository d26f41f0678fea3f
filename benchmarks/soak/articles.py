"""Documents to send: of many lengths, in many scripts, with and without titles; the same every time."""

import random

from slugline.documents import Document

SENTENCES = (
    "Envoys met in Geneva for ceasefire talks while artillery shelled the northern suburbs.",
    "The foreign minister flew home after the summit ended without a treaty.",
    "A suicide bomber killed nine people at a checkpoint, and militants claimed the attack.",
    "Shares fell as the central bank raised rates &amp; inflation stayed at 4.5&nbsp;%.",
    "The league's oldest club won 3:1 -- its first title in forty-one years.",
    "Troops crossed the river at dawn; two battalions hold the bridgehead, the ministry said.",
    "Négociations à Genève : l’envoyé spécial quitte la table, l’armée avance.",
    "Войска отошли от границы, послы вернулись за стол переговоров.",
    "في المدينة هدنة، والمبعوث يصل غداً إلى القاهرة للمحادثات.",
    "部隊撤離邊境，外長在日內瓦會談。",
    "首脳会談は合意なく終わり、砲撃は続いた。",
    "सेना सीमा से हटी और राजदूत वार्ता के लिए लौटे।",
    "Οι διαπραγματεύσεις ναυάγησαν· ο ΣΤΡΑΤΟΣ προελαύνει.",
    "הפסקת אש בגבול, והשליח מגיע מחר לשיחות.",
    "군대가 국경에서 철수했고 대사들이 회담에 복귀했다.",
    "กองทัพถอนกำลังจากชายแดน และทูตกลับสู่การเจรจา",
    "İSTANBUL'da büyükelçiler görüştü; Straße gesperrt, ẞ und ﬁne ligatures.",
    "🚀🚀 Breaking 👩‍👩‍👧: e\u0301te\u0301 naïve \u202eright to left\u202c zero\u200bwidth \ufeffmark.",
)
_LENGTHS = (1, 2, 3, 8, 8, 15, 15, 15, 30, 60, 300)


def documents(count: int = 300) -> list[Document]:
    """`count` documents of 1 to 300 sentences, half of them with a title, each with an id of its own."""
    chance = random.Random(5)
    # Every second one is of one script, the others are of all.
    return [
        Document(
            text=" ".join(chance.choices(SENTENCES if number % 2 else [chance.choice(SENTENCES)], k=length)),
            title=chance.choice(SENTENCES) if chance.random() < 0.5 else "",
            id=f"article {number}",
        )
        for number, length in enumerate(chance.choices(_LENGTHS, k=count))
    ]
