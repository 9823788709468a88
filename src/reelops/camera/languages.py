"""How other languages than English speak of cameras, in one table: a language more is one entry more.

Every entry is a regular expression over folded text (see `folded`): lower case, without accents and vowel signs, so
that nobody's way of typing matters. Stems stand for all their inflections. Words of filming need no camera beside them;
words that anything can do need one; whole phrases need nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from reelops.camera.moves import CameraMove

IN, OUT = CameraMove.ZOOM_IN, CameraMove.ZOOM_OUT
LEFT, RIGHT, UP, DOWN = CameraMove.PAN_LEFT, CameraMove.PAN_RIGHT, CameraMove.TILT_UP, CameraMove.TILT_DOWN
STATIC = CameraMove.STATIC
_ARABIC = str.maketrans({"ى": "ي", "ة": "ه", "ـ": None, "ی": "ي", "ک": "ك"})


@dataclass(frozen=True)
class Language:
    """One language's words.

    Attributes:
        camera: what is filmed with.
        filming: verbs and nouns of filming.
        moving: what a camera does as other things do.
        directions: where to, by move.
        whole: phrases that are a move by themselves, by move.
        negation: what takes back the move of its clause.
        joining: what begins another clause without a mark; over text that has its accents.
        slow, fast: words of speed.
    """

    name: str
    camera: str
    filming: str
    moving: str
    directions: Mapping[CameraMove, str]
    whole: Mapping[CameraMove, str]
    negation: str
    joining: str
    slow: str
    fast: str


def folded(text: str) -> str:
    """Lower case, without accents, vowel signs and the variants of Arabic letters."""
    return unaccented(text.casefold())


def unaccented(text: str) -> str:
    """Without accents and vowel signs; for the table's patterns, whose case means something."""
    text = unicodedata.normalize("NFKD", text).translate(_ARABIC)
    return "".join(letter for letter in text if not unicodedata.category(letter).startswith(("M", "Cf")))


GERMAN = Language(
    name="German",
    camera=r"kamera|\bbild|einstellung|aufnahme|\bblick|objektiv|\bwir\b",
    filming=r"zoom|schwenk|neig|kipp|\btilt|kamerafahrt|(^\W*|langsame |schnelle |sanfte |ruhige )fahrt (nach|in)\b"
    r"|rückfahrt|ranfahrt|(heran|hinein|zurück|heraus|weg|vor|ran|raus)fahr|dolly|\bpan\b",
    moving=r"f(a|ae)hr|beweg|gleit|wander|\bgeh|zieh|dreh|rück|schieb|\bkomm|näher|entfern|heb|senk|steig|sink|flieg"
    r"|schweb|richtet|blickt|weich|schaut",
    directions={
        IN: r"heran|hinein|herein|\brein|\bran\b|ranfahr|ranzoom|näher|nach vorn|vorwärts|einzoom|vorfahr"
        r"|\bauf .* zu\b",
        OUT: r"heraus|hinaus|\braus|zurück|\bweg\b\W*$|wegfahr|wegzoom|\bweg (von|vom|beweg)|auszoom|entfern"
        r"|rückwärts|nach hinten|rückfahrt",
        LEFT: r"\blinks|linksschwenk|linke[nr]? seite",
        RIGHT: r"\brechts|rechtsschwenk|rechte[nr]? seite",
        UP: r"\boben|\bhoch(?!haus|zeit|schul|wert|h)|aufwärts|hinauf|\brauf|herauf|heb|empor|himmel",
        DOWN: r"\bunten|runter|abwärts|hinab|herab|hinunter|senk|\btiefer|\bboden\b",
    },
    whole={
        IN: r"\bzoom\w* (sich )?(langsam |schnell |sanft )?(auf|in (das|die|den|dem|ein\w*))\b|\bkeine?n? zoom in\b",
        STATIC: r"\bstatisch\w* (\w+ )?(kamera|einstellung|aufnahme|bild|shot|szene)|^\W*(ganz |völlig )?statisch\W*$"
        r"|kamera (\w+ )?(steht|bleibt|ist|hält|ruht)"
        r"( \w+)? (still|fest|ruhig|unbewegt|statisch|starr|stehen|fixiert)|kamera (steht|ruht)\W*$"
        r"|(fest|starr|ruhend|unbewegt|fixiert|stillstehend|feststehend|stehend)\w* (kamera|einstellung)"
        r"|(ohne|keine) (jede |jegliche )?(kamera)?bewegung|ohne kamerafahrt"
        r"|kamera bewegt sich (überhaupt |gar )?nicht|unbewegliche kamera|kamera auf (einem )?stativ|standkamera",
    },
    negation=r"\bnicht\b|\bkein\w*|\bohne\b|\bnie\b|\bstatt\b|\banstatt\b",
    joining=r"\bund\b|\bdann\b|\baber\b|\bsondern\b|\bdanach\b|\bwährend\b|\banschließend\b",
    slow=r"langsam|\bsanft|gemächlich|behutsam|\bleicht",
    fast=r"schnell|\brasch|\bzügig|\brasant",
)
FRENCH = Language(
    name="French",
    camera=r"\bcamera|\bplan\b|\bobjectif|\bimage|\bcadre|prise de vue|\bvue\b|\bappareil",
    filming=r"zoom|panora(?!mic\b)|\bpano\b|travelling|tilt|contre-?plongee|recadr|\bpan\b",
    moving=r"\bbouge|deplac|gliss|tourn|avanc|recul|monte|\bdescend|approch|eloign|pivot|bascul|balay|inclin|lev"
    r"|baiss|\bva\b|\bpart|pouss|\btir|mouvement|se dirige|\bfile",
    directions={
        IN: r"\bavant\b|approch|avanc|\bpres\b|vers l'interieur|\bzoome\w* sur|serre",
        OUT: r"arriere|recul|eloign|elargi|s'ecart|vers l'exterieur|dezoom|\bloin\b",
        LEFT: r"gauche",
        RIGHT: r"\bdroite?\b",
        UP: r"\bhaut\b|monte\b|montant|releve|\bleve|ciel|ascendan|remonte",
        DOWN: r"\bbas\b|descend|baiss|\bsol\b",
    },
    whole={
        IN: r"\bzoom\w* (\w+ )?(sur|dans|vers)\b|(zoom|travelling) (lent |rapide )?avant\b|\b(pas de|sans) zoom in\b"
        r"|gros plan progressif",
        OUT: r"dezoom|(zoom|travelling) (lent |rapide )?arriere",
        STATIC: r"plan (\w+ )?(fixe|statique|immobile)"
        r"|camera (\w+ )?((est|reste|demeure) )?(totalement |parfaitement )?(fixe|immobile|statique)"
        r"|camera ne (\w+ )?(bouge|se deplace) (pas|plus)|(sans|aucun) mouvement( de (la )?camera)?"
        r"|^\W*(fixe|statique|immobile)\W*$|(cadre|cadrage|vue|image) (fixe|immobile|statique)"
        r"|camera sur (un )?(pied|trepied)",
    },
    negation=r"\bne\b|\bn'|\bpas\b|\bsans\b|\baucun|\bjamais\b|au lieu|\bni\b",
    joining=r"\bet\b|\bpuis\b|\bmais\b|\bensuite\b|tandis|pendant que",
    slow=r"\blent(e?s?|ement)\b|doucement|\bdoux|\bleger",
    fast=r"rapid|\bvite\b|\bvi(fs?|ves?|vement)\b",
)
SPANISH = Language(
    name="Spanish",
    camera=r"\bcamara|\bplano\b|\btoma\b|objetivo|\bimagen|\bvista\b|encuadre|\blente\b",
    filming=r"zoom|panea|paneo|panoram(?!ic\b)|\btravelling|\btilt|inclinacion de camara|\bdolly",
    moving=r"muev|movi|desplaz|desliz|\bgir|avanz|retroced|\bsub|\bbaj|acerc|alej|inclin|levant|asciend|desciend|barr"
    r"|\bva\b|pivot|retir|aproxim|\bapunta|\bviaj|\bhaz|recorr|elev",
    directions={
        IN: r"acerc|adelante|adentro|aproxim|avanz|\bmas cerca|hacia dentro",
        OUT: r"alej|atras|afuera|retroced|retir|hacia fuera|apart",
        LEFT: r"izquierd",
        RIGHT: r"derech",
        UP: r"arriba|\bsub|asciend|ascend|levant|elev|\bcielo",
        DOWN: r"abajo|\bbaja|desciend|descend|\bsuelo",
    },
    whole={
        IN: r"\bzoom (\w+ )?(al|a (la|los|las|un)|en (el|la|los|las|un)|sobre|hacia) (?!fuera|atras|afuera)"
        r"|acercamiento (lento|rapido|suave|gradual|progresivo|de)|^\W*(un )?(\w+ )?acercamiento\W*$",
        OUT: r"alejamiento (lento|rapido|suave|gradual|progresivo|de)|^\W*(un )?(\w+ )?alejamiento\W*$",
        STATIC: r"(camara|plano|toma|encuadre|vista|imagen) (\w+ )?"
        r"((esta|permanece|queda|sigue|se mantiene|se queda) )?(totalmente |completamente )?"
        r"(fij|estatic|inmovil|quiet)|camara no se mueve|sin (ningun )?movimiento|sin mover"
        r"|^\W*(fij|estatic|inmovil)\w*\W*$|camara sobre (un )?tripode",
    },
    negation=r"\bno\b|\bsin\b|\bnunca\b|en lugar|en vez|\bni\b|\bningun",
    joining=r"\by\b|\bluego\b|\bdespu[eé]s\b|\bpero\b|\bsino\b|mientras|\bentonces\b",
    slow=r"\blent[ao]|despacio|suave|poco a poco|gradual",
    fast=r"rapid|velo[cz]|deprisa",
)
PORTUGUESE = Language(
    name="Portuguese",
    camera=r"\bcamera|\bcamara|\bplano\b|\btomada\b|objetiva|\bimagem|\bvista\b|enquadramento|\blente\b",
    filming=r"zoom|panoram(?!ic\b)|\bpan\b|\btravelling|\btilt|\bdolly|inclinacao da camera|\bpaneia",
    moving=r"\bmov|desloc|desliz|\bgir|avanc|recu|\bsob|\bsub|\bdesc|aproxim|afast|inclin|levant|\bva[ei]\b|varr"
    r"|pivot|chega|baix|ergue|\bvira|\bpercorr|elev",
    directions={
        IN: r"aproxim|para a frente|para frente|para dentro|avanc|mais perto|adiante",
        OUT: r"afast|para tras|para fora|recu[aeo]|distanci",
        LEFT: r"esquerd",
        RIGHT: r"direit",
        UP: r"\bcima|\bsob[ei]|\bsubi|levant|ergue|elev|\bceu|ascend",
        DOWN: r"\bbaixo|\bdesce|abaix|\bchao",
    },
    whole={
        IN: r"\bzoom (\w+ )?(no (?!pan|tilt|camera|mo)|(na|nos|nas|em|sobre|ao|aos)\b)"
        r"|aproximacao (lenta|rapida|suave|gradual|da camera)|^\W*(uma )?(\w+ )?aproximacao\W*$",
        OUT: r"afastamento (lento|rapido|suave|gradual|da camera)|^\W*(um )?(\w+ )?afastamento\W*$",
        STATIC: r"(camera|camara|plano|tomada|enquadramento|vista|imagem) (\w+ )?"
        r"((e|esta|permanece|fica|continua|mantem-se) )?(totalmente |completamente )?(fix|estatic|imovel|parad)"
        r"|cam[ae]ra nao (se )?(move|mexe)|sem (nenhum |qualquer )?movimento|sem mover"
        r"|^\W*(fix|estatic|imovel|parad)\w*\W*$|cam[ae]ra (em|sobre) (um )?tripe",
    },
    negation=r"\bnao\b|\bsem\b|\bnunca\b|em vez|\bnem\b|\bnenhum",
    joining=r"\be\b|\bdepois\b|\bmas\b|\bent[aã]o\b|enquanto|em seguida",
    slow=r"\blent[ao]|devagar|suave|gradual",
    fast=r"rapid|velo[cz]|depressa",
)
ITALIAN = Language(
    name="Italian",
    camera=r"telecamera|\bcamera|macchina da presa|cinepresa|inquadratura|obiettivo|\bimmagine|\bripresa|\bvista\b",
    filming=r"zoom|panoramic\w|carrell|\btilt|\bdolly|\bpan\b|zuma",
    moving=r"muov|movim|spost|scorr|\bgir|avanz|arretr|indietregg|\bsal|\bscend|avvicin|allontan|inclin|alz|abbass"
    r"|\bva\b|sciv|ruot|sollev|\bpunta",
    directions={
        IN: r"avvicin|\bavanti|avanz|piu vicin|verso l'interno|all'interno|stringe",
        OUT: r"allontan|indietr|arretr|verso l'esterno|allarga",
        LEFT: r"sinistr",
        RIGHT: r"\bdestr[ao]\b",
        UP: r"\balto|\bin su\b|\bsu\W*$|all'insu|\bsal[ei]|\balza|sollev|\bcielo|ascend",
        DOWN: r"\bbasso|\bgiu\b|\bscend|abbass|terra\b|discend",
    },
    whole={
        IN: r"\bzoom\w* (\w+ )?(su|sul|sulla|sullo|sui|sulle|sugli|sull'|verso|nel|nella)\b"
        r"|avvicinamento (lento|rapido|graduale)|^\W*(un )?(\w+ )?avvicinamento\W*$",
        OUT: r"allontanamento (lento|rapido|graduale)|^\W*(un )?(\w+ )?allontanamento\W*$",
        STATIC: r"(telecamera|camera|inquadratura|cinepresa|macchina da presa|ripresa|vista|immagine) (\w+ )?"
        r"((e|resta|rimane|sta) )?(totalmente |completamente )?(fiss|static|immobil|ferm)"
        r"|camera non si (muove|sposta)|senza (alcun )?moviment|nessun movimento|senza muover"
        r"|^\W*(fiss|static|immobil|ferm)\w*\W*$|camera su (un )?(treppiede|cavalletto)",
    },
    negation=r"\bnon\b|\bsenza\b|\bmai\b|invece|\bnessun|\bniente\b",
    joining=r"\be\b|\bpoi\b|\bma\b|\bquindi\b|mentre|\bdopo\b",
    slow=r"\blent([aoi]|amente)\b|dolce|graduale"
    r"|(?<!\bil )(?<!\bun )(?<!\bal )(?<!\bdel )(?<!primo )(?<!secondo )\bpiano\b",
    fast=r"rapid|veloc",
)
ARABIC = Language(
    name="Arabic",
    camera=r"كاميرا|عدسه|لقطه|تصوير|مشهد|صوره",
    filming=r"زوم|تقريب|تكبير|تصغير|تبعيد|بانوراما|(?<!\w)بان(?!\w)|تيلت|اماله|مسح",
    moving=r"حرك|تتجه|اتج|استدار|دور|تقترب|اقتر|تبتعد|ابتعد|ترتفع|ارتفع|تصعد|تهبط|تميل|مل|تنتقل|انتقل|تتقدم|تراجع"
    r"|تسير|ترجع|تعود|رفع|تنزل|تزحف|وجه|تلتفت|تقرب|تبعد|خفض",
    directions={
        IN: r"تقريب|تكبير|تقترب|اقتر|تقرب|للامام|الي الامام|نحو الامام|تتقدم|للداخل|الي الداخل|اقرب",
        OUT: r"تبعيد|ابعاد|تصغير|تبتعد|ابتعد|ابتعاد|تبعد|للخلف|الي الخلف|نحو الخلف|للوراء|الي الوراء|تراجع|للخارج"
        r"|الي الخارج",
        LEFT: r"يسار|شمال(?!ي)",
        RIGHT: r"يمين",
        UP: r"اعلي|فوق|ترتفع|ارتفع|تصعد|السماء",
        DOWN: r"اسفل|تحت|تنخفض|انخفض|تهبط|تنزل|الارض",
    },
    whole={
        IN: r"زوم ان|زوم (\w+ )?(علي|الي الداخل|للداخل)|تقريب|تكبير الصوره|تقترب الكاميرا|الكاميرا تقترب"
        r"|اقتراب الكاميرا",
        OUT: r"زوم اوت|زوم (\w+ )?(للخارج|الي الخارج)|تصغير الصوره|ابتعاد الكاميرا|تبتعد الكاميرا|الكاميرا تبتعد"
        r"|ابعاد الكاميرا",
        STATIC: r"(كاميرا|لقطه|صوره|عدسه|مشهد) (\w+ )?(ثابت|ساكن|جامد)|كاميرا لا تتحرك|لا تتحرك الكاميرا"
        r"|(بدون|دون|بلا) (اي )?(حرك|تحريك)|(تبقي|تظل) (الكاميرا )?(ثابت|ساكن)|^\W*(ثابت|ساكن)\w*\W*$|تثبيت الكاميرا"
        r"|(علي|فوق) حامل ثلاثي",
    },
    negation=r"(?<!\w)(لا|و?(بدون|دون|بلا|ليس|لن|لم))(?!\w)|بدلا",
    joining=r"(?<!\w)(?:ثم|لكن|بل|بعدها|بينما)(?!\w)",
    slow=r"بطء|بطيء|بطيئ|ببطي|بهدوء|رويدا|تدريج",
    fast=r"سرعه|سريع",
)
CHINESE = Language(
    name="Chinese",
    camera=r"镜头|鏡頭|摄像机|攝像機|摄影机|攝影機|相机|相機|机位|機位|画面(?!中(?!央)|里)|畫面(?!中(?!央)|裡)|视角|視角|运镜|運鏡",
    filming=r"变焦|變焦|摇(?!头|手|摆|晃)|搖(?!頭|手|擺|晃)|平移|横移|橫移|推镜|推鏡|拉镜|拉鏡|推进|推進|拉远|拉遠"
    r"|推近|拉近|俯仰|横摇|竖摇|缩放|縮放|zoom",
    moving=r"移|转|轉|推|拉|靠近|接近|远离|遠離|升|降|抬|后退|後退|前进|前進|俯|仰|缩|放|扫|掃|滑|压低|往|向",
    directions={
        IN: r"推进|推進|推近|拉近|放大|靠近|接近|向前|往前|前推|前移|推镜|推鏡|推向|近景推|前进|前進",
        OUT: r"拉远|拉遠|拉开|拉開|缩小|縮小|远离|遠離|后退|後退|向后|向後|往后|往後|后拉|後拉|拉镜|拉鏡|拉出|后移"
        r"|後移",
        LEFT: r"左",
        RIGHT: r"右",
        UP: r"向上|往上|朝上|上摇|上搖|上移|上升|上仰|(?<!俯)仰(?!拍|视|望)|抬|升起|上扬|升高",
        DOWN: r"向下|往下|朝下|下摇|下搖|下移|下降|下俯|俯(?!仰|拍|视|瞰)|降低|压低|降落",
    },
    whole={
        IN: r"推镜头?|推鏡頭?|镜头推|鏡頭推|(变焦|變焦|缩放)(推|放大|拉近)"
        r"|(慢|缓|快|急)(慢|缓|速|速地|慢地|缓地)?(推进|推近|拉近|放大)|^\W*(推进|推近|拉近|放大)\W*$|推进镜头"
        r"|拉近镜头|放大画面",
        OUT: r"拉镜头?|拉鏡頭?|(变焦|變焦|缩放)(拉远|缩小|拉开)"
        r"|(慢|缓|快|急)(慢|缓|速|速地|慢地|缓地)?(拉远|缩小|拉开|后退)|^\W*(拉远|缩小|拉开)\W*$|拉远镜头|缩小画面",
        STATIC: r"(固定|静止|靜止|定|静态|靜態)(的)?"
        r"(镜头|鏡頭|机位|機位|画面|畫面|相机|相機|摄像机|摄影机|拍摄|视角|長鏡頭|长镜头)"
        r"|(镜头|鏡頭|相机|相機|摄像机|摄影机|机位|機位|画面|畫面)(完全|保持|始终|始終|一直)*"
        r"(固定|静止|靜止|不动|不動|不移动|不移動|稳定不动)|^\W*(静止|靜止|固定|静态|靜態|不动)\W*$"
        r"|(没有|沒有|无|無)(任何)?(镜头|鏡頭|相机|摄像机)?(移动|移動|运动|運動|运镜)|三脚架",
    },
    negation=r"不|没|沒|无|無|别|別|勿|避免|而非",
    joining=r"然后|然後|接着|接著|再|但是|而是|同时|之后|随后",
    slow=r"慢|缓|緩|轻轻",
    fast=r"快(?![乐樂餐递遞])|迅速|(?<!救)急(?![诊診救])|高速(?!公路)",
)
HINDI = Language(
    name="Hindi",
    camera=r"कैमर|शॉट|दृश्य|लेंस|फ़्रेम",
    filming=r"ज़ूम|पैन|टिल्ट|डॉली",
    moving=r"घूम|मुड़|चल|जा|हट|खिसक|बढ|सरक|झुक|उठ|आ|करीब|दूर|पास|पीछे|उतर|चढ़|गिर|हिल|देख",
    directions={
        IN: r"\bइन\b|अंदर|करीब|नजदीक|\bपास\b|\bआगे\b|ज़ूम करे\b|बड़ा",
        OUT: r"\bआउट\b|बाहर|\bदूर\b|पीछे|वापस",
        LEFT: r"बाएं|बायें|बाईं|लेफ्ट|वाम",
        RIGHT: r"दाएं|दायें|दाईं|दाहिन|राइट",
        UP: r"ऊपर|उपर|आसमान|\bअप\b|उठ",
        DOWN: r"नीच|ज़मीन|\bडाउन\b|उतर",
    },
    whole={
        IN: r"ज़ूम इन|ज़ूम करें",
        OUT: r"ज़ूम आउट",
        STATIC: r"(स्थिर|स्टैटिक|अचल|फिक्स्ड|रुका हुआ) (कैमरा|शॉट|दृश्य|फ्रेम)"
        r"|(कैमरा|शॉट|दृश्य|फ्रेम) (\w+ )?(स्थिर|अचल|स्टैटिक|रुका)"
        r"|कैमरा (\w+ )?(नहीं|न) (हिल|चल|घूम)|^\W*(स्थिर|स्टैटिक|अचल)\W*$"
        r"|बिना (कैमरा |किसी |कैमरे की )*(हलचल|गति|मूवमेंट|हिले)"
        r"|कोई (कैमरा )?(हलचल|गति|मूवमेंट) नहीं|ट्राइपॉड पर",
    },
    negation=r"\bनहीं\b|\bमत\b|बिना|बजाय",
    joining=r"\bफिर\b|\bलेकिन\b|\bऔर\b|बल्कि|जबकि|उसके बाद",
    slow=r"धीरे|धीमी|आहिस्ता|हल्क",
    fast=r"तेज|जल्दी|शीघ्र",
)
JAPANESE = Language(
    name="Japanese",
    camera=r"カメラ|ショット|画面(?!中(?!央))|映像|視点|レンズ|画角|フレーム|アングル",
    filming=r"ズーム|パン(?!屋|を|が|は|と|の|ケーキ|ダ)|ティルト|チルト|ドリー|トラックバック|横移動|トラッキング",
    moving=r"動|向|寄|引|近づ|近付|遠ざか|離れ|上が|下が|振|回|進|上昇|下降|後退|見上|見下|スライド|迫|下げ|上げ|傾",
    directions={
        IN: r"イン(?!タ|ド)|寄|近づ|近付|前進|前へ|前に|迫|拡大",
        OUT: r"アウト|引|遠ざか|離れ|後退|後ろ|後方|バック|縮小",
        LEFT: r"左",
        RIGHT: r"右",
        UP: r"上|(パン|ティルト|チルト)・?アップ|仰",
        DOWN: r"(?<!後ろに)(?<!後ろへ)下|ダウン|俯",
    },
    whole={
        IN: r"ズーム(を)?(イン|アップ)|ドリー(・)?イン|ズームして(寄|近)|ゆっくり(と)?寄る|被写体に寄|ズームで(寄|近)"
        r"|クローズアップしていく",
        OUT: r"ズーム(を)?(アウト|バック)|ドリー(・)?(アウト|バック)|トラックバック|ズームで(引|離)",
        STATIC: r"(固定|静止|定点|静止した|動かない|固定された|フィックス)(の)?"
        r"(カメラ|ショット|画面|映像|撮影|アングル|フレーム|視点)"
        r"|カメラ(は|が|を)?(完全に|ずっと|全く|まったく)?(固定|静止|動かない|動かさない|動かず|止まっ|据え置)"
        r"|カメラワーク(なし|無し)|^\W*(静止|固定|フィックス)\W*$|カメラ(の)?(動き|移動)(は|が)?(なし|無し|ない)|三脚"
        r"|据え置き",
    },
    negation=r"せず|ない|なし|ません|禁止|ではなく",
    joining=r"そして|それから|次に|その後|しかし|してから|した後",
    slow=r"ゆっくり|緩|徐々|静かに|じわ|スロー",
    fast=r"速|早(?![朝春秋起])|(?<!救)急(?!須)|クイック",
)
LANGUAGES = (GERMAN, FRENCH, SPANISH, PORTUGUESE, ITALIAN, ARABIC, CHINESE, HINDI, JAPANESE)
