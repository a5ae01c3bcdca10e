"""What people write when they want no more texts, and what only sounds like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.optout import asks_to_start, asks_to_stop, unsure

STOPS = """
STOP
stop.
Stop!!!
 stop
sTop
STOPALL
Stop all
stop please
Please stop
pls stop
STOP STOP STOP
Stoooop
S T O P
S.T.O.P.
s-t-o-p
"STOP"
STOP 🛑
🛑
🚫🚫
STOP texting me
please stop texting me
Stop txting me!
stop messaging me
Stop sending me these messages
stop sending messages
stop contacting me please
Quit texting me
quit sending me texts
Who is this? Stop texting me.
I am not interested stop texting me
I don't know you stop texting me
if you don't stop texting me I will call my lawyer
can't you stop texting me
stop texting me before I call the police
Stop texting me if you don't mind
I told you yesterday, stop texting me!! I'm reporting you
Can you please stop texting me?
STOP. I am not interested
Stop, wrong number
Not interested. Stop.
unsubscribe
UNSUBSCRIBE ME
Please unsubscribe me from this
how do I unsubscribe
unsuscribe
OPT OUT
opt-out
optout
opt me out
I want to opt out
I'd like to opt out of these texts
quit
end
END.
cancel
Cancel please
revoke
I revoke my consent
remove me
Remove me from your list
please take me off your list
take me off this list now
Delete my number
remove my number from your system please
Don't text me
Dont text me again
do not contact me
Do not contact this number again
Never text me again
don't send me any more messages
I don't want any more texts
I do not want to receive texts from you
I no longer wish to receive messages
no more texts
no texts
wrong number please remove me
I'd like to be removed from your texts
No me llames más
No more messages please
leave me alone
stop spamming me
stop all texts
Stop these messages
alto
ALTO por favor
parar
Pare
paren
basta
¡Basta ya!
cancelar
no más
No más mensajes
no me escriban más
no me manden mensajes
No me envíen más mensajes por favor
dejen de escribirme
deje de mandarme mensajes
quiero darme de baja
ya no quiero recibir mensajes
no quiero más mensajes
borren mi número
quítenme de la lista
ARRÊT
arrêtez de m'envoyer des messages
ne m'écrivez plus
""".strip().splitlines()

NEAR = """
stop by tomorrow?
Can you stop by tomorrow?
please stop by at 5
Stop by the house after 3
don't stop calling
Don't stop texting me, I need the updates
I don't want you to stop texting me
if you stop texting me I will worry
can you end the contract
when does the contract end
End of the week works
by the end of the day please
cancel my appointment
Please cancel my 3pm
Can you cancel the order?
I don't want to cancel
I need to cancel and rebook for Friday
please stop the leak
The water won't stop
It stopped working
The toilet won't stop running
my dog won't stop barking
one stop shop
Is there a bus stop near you
non-stop noise from the furnace
stopped up drain
I quit smoking
I quit my job so I am home all day
Can I opt out of the extended warranty?
remove the old heater please
Please remove me from the schedule on Friday
take me off hold
can you take the old one off the wall
delete the old quote
Please don't text me before 9am
don't call me at work, text
stop texting me after 8pm
don't text my husband
Yes
yes please
no thank you
no problem
I will be there in no more than 10 minutes
When can you come?
Who is this?
para mañana por favor
¿pueden pasar por la casa?
no me llamen antes de las 9
alto voltaje en la cocina
baja presión de agua
el baño de la planta baja
START
Liked “Bright Plumbing: sorry we missed you. Reply STOP to opt out.”
Loved "Bright Plumbing: sorry we missed you. What do you need? Reply STOP to opt out."
Disliked “Bright Plumbing: sorry we missed you. Reply STOP to opt out.”
Reacted 👍 to “Reply STOP to opt out.”
It says reply STOP to opt out but I need a plumber
Your message said "stop texting me", what is that?
I didn't unsubscribe
Yes cancel
cancel it
remove
please do not contact us by phone, text is fine
full stop replacement on the door
""".strip().splitlines()

REVIEW = """
stop by tomorrow?
can you end the contract
cancel my appointment
wrong number
not interested
stop texting me after 8pm
✋
I didn't unsubscribe
Disliked “Reply STOP to opt out.”
don't stop texting me
""".strip().splitlines()


def test_there_are_at_least_sixty_ways_to_ask_and_forty_that_only_sound_like_it() -> None:
    assert len(set(STOPS)) >= 60
    assert len(set(NEAR)) >= 40


@pytest.mark.parametrize("body", [*STOPS, "\uff33\uff34\uff2f\uff30", "STOP\u200b", "don\u2019t text me"])
def test_a_request_is_understood(body: str) -> None:
    assert asks_to_stop(body)
    assert not asks_to_start(body)
    assert not unsure(body)


@pytest.mark.parametrize("body", NEAR)
def test_what_only_sounds_like_a_request_opts_nobody_out(body: str) -> None:
    assert not asks_to_stop(body)


@pytest.mark.parametrize("body", REVIEW)
def test_what_may_be_a_request_is_for_a_person_to_read(body: str) -> None:
    assert unsure(body)
    assert not asks_to_stop(body)


@pytest.mark.parametrize(
    "body", ["When can you come?", "yes please", "", "   ", "👍", "Liked “Reply STOP to opt out.”"]
)
def test_an_ordinary_reply_is_not_for_review(body: str) -> None:
    assert not unsure(body)


@pytest.mark.parametrize("body", ["START", "start", " Start. ", "unstop", "UNSTOP!", '"START"'])
def test_start_alone_brings_a_person_back(body: str) -> None:
    assert asks_to_start(body)
    assert not asks_to_stop(body)


@pytest.mark.parametrize(
    "body",
    ["yes", "YES", "restart", "start please", "please start", "start over", "START STOP", "when do you start?", ""],
)
def test_nothing_else_brings_anybody_back(body: str) -> None:
    assert not asks_to_start(body)


@given(
    st.sampled_from(["stop", "unsubscribe", "opt out", "alto", "quit", "cancel", "end"]),
    st.sampled_from(["", " ", "\n", "  \t"]),
    st.sampled_from(["", ".", "!", "!!", "...", " please", ", please", " pls!", "\u200b", " \U0001f64f"]),
    st.sampled_from([str.upper, str.lower, str.title]),
)
def test_case_blanks_and_politeness_change_nothing(word: str, blank: str, behind: str, case: object) -> None:
    assert asks_to_stop(f"{blank}{case(word)}{behind}{blank}")  # type: ignore[operator]


@given(st.text(max_size=400))
def test_every_text_is_judged_one_way(body: str) -> None:
    assert asks_to_stop(body) + asks_to_start(body) + unsure(body) <= 1


@pytest.mark.parametrize("body", ["stop " * 2000, "no me " * 2000, "s " * 4000, "do not want to be " * 500, '"' * 8000])
def test_a_long_text_is_judged_like_any_other(body: str) -> None:
    assert not asks_to_start(body)
    assert asks_to_stop(body) + unsure(body) <= 1
